import { useLocation } from 'preact-iso';
import { useEffect, useState } from 'preact/hooks';
import { createTenant } from '#core/api/tenants';
import { api } from '../../api.ts';
import { to } from '../../paths.ts';
import { addTenant, session, type Tenant } from '../../session.ts';
import { Button } from '../../ui/button.tsx';
import { Field } from '../../ui/field.tsx';
import { Failure } from '../../ui/states.tsx';
import { useTitle } from '../../ui/use-title.ts';
import { useWork } from '../../use-work.ts';

/** Where people land: straight to their company, to a choice where there are several, to a new one where there is none. */
export default function Home() {
  const { route } = useLocation();
  const tenants = session.value.state === 'signed-in' ? session.value.tenants : [];
  const only = tenants.length === 1 ? tenants[0] : undefined;
  useTitle('Welcome');
  useEffect(() => {
    if (only !== undefined) route(to.models(only.id), true);
  }, [only?.id]);
  if (only !== undefined) return null;
  return tenants.length === 0 ? <NewTenant /> : <Tenants tenants={tenants} />;
}

function Tenants({ tenants }: { readonly tenants: readonly Tenant[] }) {
  return (
    <>
      <div class="page-head">
        <h1>Choose a company</h1>
      </div>
      <ul class="cards">
        {tenants.map((tenant) => (
          <li key={tenant.id}>
            <a class="card" href={to.models(tenant.id)}>
              <h2>{tenant.name}</h2>
              <p class="quiet">You are {tenant.role}.</p>
            </a>
          </li>
        ))}
      </ul>
    </>
  );
}

function NewTenant() {
  const { route } = useLocation();
  const [name, setName] = useState('');
  const work = useWork(async () => {
    const tenant = await api(createTenant, { body: { name } });
    addTenant(tenant);
    route(to.models(tenant.id), true);
  });
  return (
    <div class="narrow">
      <section class="panel" aria-labelledby="welcome-title">
        <h1 id="welcome-title">Name your company</h1>
        <p class="note">
          Its models, sources and members are kept apart from everybody else’s. You become its owner.
        </p>
        <form
          class="stack sign-in"
          onSubmit={(event) => {
            event.preventDefault();
            work.run();
          }}
        >
          <Field
            label="Company"
            value={name}
            onInput={setName}
            required
            maxLength={80}
            autoComplete="organization"
          />
          {work.error !== null && <Failure error={work.error} />}
          <Button type="submit" busy={work.busy}>
            Continue
          </Button>
        </form>
      </section>
    </div>
  );
}
