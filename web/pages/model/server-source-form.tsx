import { useState } from 'preact/hooks';
import { startConnectionTest } from '#core/api/connection-tests';
import { createSource } from '#core/api/sources';
import { api } from '../../api.ts';
import { Choice, Field } from '../../ui/field.tsx';
import { WorkForm } from '../../ui/work-form.tsx';
import { useWork } from '../../use-work.ts';
import type { AddSourceProps } from './add-source.tsx';
import { CloudSqlFields, CloudSqlHint, NO_CLOUD_SQL } from './cloud-sql-fields.tsx';
import { emptyForm, readConnectionString, type ServerKind, SERVERS, SSL_MODES } from './connection-string.ts';
import { LimitFields, limitsForm, limitsIn } from './limit-fields.tsx';
import { OutboundAddresses } from './outbound-addresses.tsx';
import { NO_TUNNEL, sshOf, TunnelFields, tunnelOf } from './tunnel-fields.tsx';

interface ServerSourceProps extends AddSourceProps {
  readonly kind: ServerKind;
}

/** The form of a source that is a database server, of any kind. */
export function ServerSourceForm({ tenant, model, close, kind }: ServerSourceProps) {
  const [name, setName] = useState('Orders database');
  const [address, setAddress] = useState('');
  const [form, setForm] = useState(emptyForm(kind));
  const [by, setBy] = useState<'host' | 'cloud-sql'>('host');
  const [cloudSql, setCloudSql] = useState(NO_CLOUD_SQL);
  const [tunnel, setTunnel] = useState(NO_TUNNEL);
  const [limits, setLimits] = useState(limitsForm({}));
  const set = (part: Partial<typeof form>) => setForm({ ...form, ...part });
  const params = { tenant, model };
  const work = useWork(async () => {
    const { password, port, sslMode, ...settings } = form;
    const through = by === 'host' ? tunnelOf(tunnel) : {};
    const way =
      by === 'host'
        ? { port: Number(port), sslMode, ...through }
        : { cloudSql: { address: cloudSql.address } };
    const opens =
      by === 'cloud-sql'
        ? cloudSql.key === null
          ? {}
          : { key: cloudSql.key }
        : through.tunnel === undefined
          ? {}
          : sshOf(tunnel);
    const secret = password !== '' || Object.keys(opens).length > 0;
    const source = await api(createSource, {
      params,
      body: {
        name,
        settings: { kind, ...settings, ...way, ...limitsIn(kind, limits) },
        ...(secret ? { credentials: { password, ...opens } } : {}),
      },
    });
    await api(startConnectionTest, { params, body: { source: source.id } });
    close();
  });
  return (
    <WorkForm work={work} submit="Save and test" cancel={close}>
      <Field
        label="Connection string"
        type="password"
        value={address}
        placeholder={SERVERS[kind].example}
        hint="Optional: paste it here and the fields below are filled in."
        onInput={(text) => {
          const read = readConnectionString(kind, text);
          // The password goes to its own field and the address, which holds it, goes away.
          setAddress(read === null ? text : '');
          if (read === null) return;
          setForm(read);
          setBy('host');
        }}
      />
      <div class="columns">
        <Field label="Name" value={name} onInput={setName} required maxLength={80} />
        <Choice
          label="Reached by"
          value={by}
          options={[
            ['host', 'host and port'],
            ['cloud-sql', 'Cloud SQL instance'],
          ]}
          onChange={(chosen) => {
            setBy(chosen);
            // The field of its file comes back empty: what it does not show is not sent.
            setCloudSql({ ...cloudSql, key: null });
          }}
        />
        {by === 'host' ? (
          <>
            <Field
              label="Host"
              value={form.host}
              onInput={(host) => set({ host })}
              required
              placeholder="db.company.com"
            />
            <Field label="Port" type="number" value={form.port} onInput={(port) => set({ port })} required />
          </>
        ) : (
          <CloudSqlFields
            instance={form.host}
            form={cloudSql}
            onInstance={(host) => set({ host })}
            onChange={setCloudSql}
          />
        )}
        <Field label="Database" value={form.database} onInput={(database) => set({ database })} required />
        <Field
          label="User"
          value={form.user}
          onInput={(user) => set({ user })}
          required
          hint="One that may only read."
        />
        <Field
          label="Password"
          type="password"
          value={form.password}
          onInput={(password) => set({ password })}
          autoComplete="new-password"
          hint="Kept sealed; never shown again."
        />
        {by === 'host' && (
          <Choice
            label="Encryption (TLS)"
            value={form.sslMode}
            options={SSL_MODES.map((mode) => [mode, mode] as const)}
            onChange={(sslMode) => set({ sslMode })}
          />
        )}
      </div>
      {by === 'host' ? <TunnelFields form={tunnel} onChange={setTunnel} /> : <CloudSqlHint tenant={tenant} />}
      <details>
        <summary>How much of the server a load may take</summary>
        <LimitFields kind={kind} form={limits} onChange={setLimits} />
      </details>
      {by === 'host' && <OutboundAddresses tenant={tenant} model={model} />}
    </WorkForm>
  );
}
