import { useState } from 'preact/hooks';
import {
  createAlertChannel,
  deleteAlertChannel,
  listAlertChannels,
  listAlertDeliveries,
  rotateAlertSecret,
  testAlertChannel,
  updateAlertChannel,
} from '#core/api/alerts';
import { type AlertChannel, AlertState } from '#core/alert';
import { paths } from '#core/paths';
import { api } from '../../api.ts';
import { useLiveList, valueOf } from '../../live.ts';
import { allowed, session } from '../../session.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Choice, Field } from '../../ui/field.tsx';
import { Ago } from '../../ui/moment.tsx';
import { Panel } from '../../ui/panel.tsx';
import { Empty, Failure, Shown } from '../../ui/states.tsx';
import { WorkForm } from '../../ui/work-form.tsx';
import { useAnswer, useWork } from '../../use-work.ts';
import { READ_ONLY } from './sources-section.tsx';

interface OfModel {
  readonly tenant: string;
  readonly model: string;
}

/** Who is told when something begins to fail or is well again, and how things stand. */
export function AlertsPanel({ tenant, model }: OfModel) {
  const [turn, setTurn] = useState(0);
  const [adding, setAdding] = useState(false);
  const [secret, setSecret] = useState<string | null>(null);
  const states = valueOf(useLiveList(paths.alertStates(tenant, model), AlertState), []);
  const channels = useAnswer(`${tenant} ${model} ${turn}`, (signal) =>
    api(listAlertChannels, { params: { tenant }, query: { limit: 100 }, signal }),
  );
  const changed = (shown: string | null = null) => {
    setSecret(shown);
    setTurn(turn + 1);
  };
  return (
    <Panel
      title="Alerts"
      note="One message when something begins to fail, one when it is well again."
      aside={
        !adding && (
          <Button onClick={() => setAdding(true)} unavailable={allowed(tenant, 'edit') ? null : READ_ONLY}>
            Add a channel
          </Button>
        )
      }
    >
      {states.length > 0 && (
        <ul class="lately" aria-label="How things stand">
          {states.map(({ subject, health, since, cause }) => (
            <li key={`${subject.kind} ${subject.id}`}>
              <Badge status={health === 'healthy' ? 'passed' : 'failed'} text={health} />
              <span>
                {subject.kind} “{subject.name}”
              </span>
              <span class="quiet">
                since <Ago at={since} />
              </span>
              {cause !== null && <span>{cause.message}</span>}
            </li>
          ))}
        </ul>
      )}
      {secret !== null && (
        <div class="notice good">
          <p>
            The secret that signs what is sent, shown this once: <code>{secret}</code>
          </p>
        </div>
      )}
      <Shown of={channels}>
        {({ items, mail }) => {
          const shown = items.filter((one) => one.model === null || one.model === model);
          return (
            <>
              {adding && (
                <ChannelForm
                  tenant={tenant}
                  model={model}
                  mail={mail}
                  close={(made) => {
                    setAdding(false);
                    if (made !== undefined) changed(made);
                  }}
                />
              )}
              {shown.length === 0 ? (
                <Empty title="Nobody is told yet" />
              ) : (
                <ul class="plain-list stack">
                  {shown.map((one) => (
                    <ChannelItem key={one.id} tenant={tenant} channel={one} changed={changed} />
                  ))}
                </ul>
              )}
            </>
          );
        }}
      </Shown>
    </Panel>
  );
}

interface ChannelFormProps extends OfModel {
  readonly mail: boolean;
  /** With the secret of what was made, or null where it has none; undefined: nothing was made. */
  readonly close: (made?: string | null) => void;
}

function ChannelForm({ tenant, model, mail, close }: ChannelFormProps) {
  const [name, setName] = useState('Operations');
  const [kind, setKind] = useState<'webhook' | 'email'>('webhook');
  const [url, setUrl] = useState('');
  const [of, setOf] = useState<'model' | 'tenant'>('model');
  const me = session.value.state === 'signed-in' ? session.value.uid : '';
  const save = useWork(async () => {
    const target = kind === 'webhook' ? { kind, url } : { kind, members: [me] };
    const body = { name, model: of === 'model' ? model : null, target };
    const made = await api(createAlertChannel, { params: { tenant }, body });
    close(made.secret);
  });
  return (
    <WorkForm work={save} submit="Add the channel" cancel={() => close()} label="Add an alert channel">
      <div class="columns">
        <Field label="Name" value={name} onInput={setName} required maxLength={80} />
        <Choice
          label="By"
          value={kind}
          options={
            mail
              ? [
                  ['webhook', 'webhook'],
                  ['email', 'e-mail to me'],
                ]
              : [['webhook', 'webhook']]
          }
          onChange={setKind}
          hint={mail ? undefined : 'This installation sends no e-mail.'}
        />
        {kind === 'webhook' && (
          <Field
            label="Address"
            value={url}
            onInput={setUrl}
            required
            placeholder="https://hooks.example.com/tradewind"
            hint="Gets a signed POST; kept sealed, since addresses often are secrets."
          />
        )}
        <Choice
          label="Of"
          value={of}
          options={[
            ['model', 'this model'],
            ['tenant', 'every model without a channel of its own'],
          ]}
          onChange={setOf}
        />
      </div>
    </WorkForm>
  );
}

interface ChannelItemProps {
  readonly tenant: string;
  readonly channel: AlertChannel;
  readonly changed: (secret?: string | null) => void;
}

function ChannelItem({ tenant, channel, changed }: ChannelItemProps) {
  const [open, setOpen] = useState(false);
  const params = { tenant, channel: channel.id };
  const act = useWork(async (work: () => Promise<string | null | undefined>) => {
    const secret = await work();
    if (secret !== undefined) changed(secret);
  });
  const unavailable = allowed(tenant, 'edit') ? null : READ_ONLY;
  const button = (text: string, work: () => Promise<string | null | undefined>) => (
    <Button
      kind="plain"
      small
      label={`${text}: ${channel.name}`}
      busy={act.busy}
      unavailable={unavailable}
      onClick={() => act.run(work)}
    >
      {text}
    </Button>
  );
  return (
    <li class="inset stack">
      <p class="row">
        <strong>{channel.name}</strong>
        <Badge status={channel.enabled ? 'live' : 'paused'} text={channel.enabled ? 'on' : 'off'} />
        <span class="quiet">
          {channel.target.kind === 'webhook'
            ? `webhook at ${channel.target.host}`
            : `e-mail to ${channel.target.members.length} members`}
          {channel.model === null && ' · every model without a channel of its own'}
        </span>
      </p>
      {act.error !== null && <Failure error={act.error} />}
      <div class="row">
        {button('Send a test', async () => {
          await api(testAlertChannel, { params });
          setOpen(true);
          return undefined;
        })}
        {channel.target.kind === 'webhook' &&
          button('New secret', async () => (await api(rotateAlertSecret, { params, body: {} })).secret)}
        {button(channel.enabled ? 'Turn off' : 'Turn on', async () => {
          await api(updateAlertChannel, { params, body: { enabled: !channel.enabled } });
          return null;
        })}
        {button('Remove', async () => {
          await api(deleteAlertChannel, { params });
          return null;
        })}
        <button class="button link" type="button" aria-expanded={open} onClick={() => setOpen(!open)}>
          Deliveries
        </button>
      </div>
      {open && <Deliveries tenant={tenant} channel={channel.id} />}
    </li>
  );
}

function Deliveries({ tenant, channel }: { readonly tenant: string; readonly channel: string }) {
  const [turn, setTurn] = useState(0);
  const found = useAnswer(`${channel} ${turn}`, (signal) =>
    api(listAlertDeliveries, { params: { tenant, channel }, query: { limit: 10 }, signal }),
  );
  return (
    <Shown of={found}>
      {({ items }) => (
        <>
          <ul class="lately" aria-label="Deliveries">
            {items.map((one) => {
              const last = one.attempts.at(-1);
              return (
                <li key={one.id}>
                  <Badge status={one.status === 'delivered' ? 'passed' : one.status} text={one.status} />
                  <span>{one.message.type}</span>
                  <span class="quiet">
                    <Ago at={one.createdAt} /> · {one.attempts.length} tries
                    {last?.status != null && ` · answered ${last.status}`}
                  </span>
                  {last?.failure != null && <span>{last.failure.message}</span>}
                </li>
              );
            })}
          </ul>
          {items.length === 0 && <p class="quiet">Nothing was sent yet.</p>}
          <Button kind="plain" small onClick={() => setTurn(turn + 1)}>
            Look again
          </Button>
        </>
      )}
    </Shown>
  );
}
