import { useLocation, useRoute } from 'preact-iso';
import { useState } from 'preact/hooks';
import { createModel } from '#core/api/models';
import { Model } from '#core/model';
import { paths } from '#core/paths';
import { api } from '../../api.ts';
import { present, useLiveList } from '../../live.ts';
import { to } from '../../paths.ts';
import { allowed, tenantOf } from '../../session.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Field } from '../../ui/field.tsx';
import { Ago } from '../../ui/moment.tsx';
import { Empty, Failure, Shown } from '../../ui/states.tsx';
import { useTitle } from '../../ui/use-title.ts';
import { useWork } from '../../use-work.ts';
import NotFound from '../not-found.tsx';

export default function Models() {
  const tenant = useRoute().params['tenant'] ?? '';
  const name = tenantOf(tenant)?.name;
  const mayRead = allowed(tenant, 'read');
  const models = present(
    useLiveList(name === undefined || !mayRead ? null : paths.models(tenant), Model, {
      by: 'newest',
      limit: 200,
    }),
  );
  const [creating, setCreating] = useState(false);
  useTitle('Models', name ?? '');
  if (name === undefined) return <NotFound />;
  if (!mayRead)
    return (
      <>
        <div class="page-head">
          <h1>Models</h1>
        </div>
        <Empty title="Nothing to see for your role">
          <p>Your role looks after usage and invoices; ask an owner or admin to see models.</p>
        </Empty>
      </>
    );
  const mayCreate = allowed(tenant, 'edit');
  const create = (
    <Button
      onClick={() => setCreating(true)}
      unavailable={mayCreate ? null : 'Your role can look but not change; ask an owner or editor.'}
    >
      New model
    </Button>
  );
  return (
    <>
      <div class="page-head">
        <div>
          <h1>Models</h1>
          <p class="quiet">Each is a recommendation system with its own sources, runs and deployments.</p>
        </div>
        {models.state === 'ready' && models.value.length > 0 && !creating && create}
      </div>
      {creating && <NewModel tenant={tenant} close={() => setCreating(false)} />}
      <Shown of={models}>
        {(found) =>
          found.length === 0 ? (
            !creating && (
              <Empty title="No model yet">
                <p>A model learns from your orders what to offer each customer next.</p>
                {create}
              </Empty>
            )
          ) : (
            <ul class="cards">
              {found.map((model) => (
                <li key={model.id}>
                  <a class="card" href={to.model(tenant, model.id)}>
                    <h2>{model.name}</h2>
                    {model.description !== '' && <p class="quiet">{model.description}</p>}
                    <p class="row">
                      <Badge
                        status={model.liveDeployment === null ? model.status : 'live'}
                        text={model.liveDeployment === null ? model.status : 'answering'}
                      />
                      <span class="quiet">
                        created <Ago at={model.createdAt} />
                      </span>
                    </p>
                  </a>
                </li>
              ))}
            </ul>
          )
        }
      </Shown>
    </>
  );
}

function NewModel({ tenant, close }: { readonly tenant: string; readonly close: () => void }) {
  const { route } = useLocation();
  const [name, setName] = useState('');
  const [description, setDescription] = useState('');
  const work = useWork(async () => {
    const model = await api(createModel, { params: { tenant }, body: { name, description } });
    route(to.model(tenant, model.id, 'sources'));
  });
  return (
    <form
      class="panel stack"
      aria-label="New model"
      onSubmit={(event) => {
        event.preventDefault();
        work.run();
      }}
    >
      <h2>New model</h2>
      <div class="columns">
        <Field
          label="Name"
          value={name}
          onInput={setName}
          required
          maxLength={80}
          placeholder="Trade customers"
        />
        <Field
          label="What it is for"
          value={description}
          onInput={setDescription}
          maxLength={500}
          hint="Optional"
        />
      </div>
      {work.error !== null && <Failure error={work.error} />}
      <div class="row">
        <Button type="submit" busy={work.busy}>
          Create
        </Button>
        <Button kind="plain" onClick={close}>
          Cancel
        </Button>
      </div>
    </form>
  );
}
