import { useState } from 'preact/hooks';
import { startConnectionTest } from '#core/api/connection-tests';
import { createSource } from '#core/api/sources';
import { api } from '../../api.ts';
import { Button } from '../../ui/button.tsx';
import { Choice, Field } from '../../ui/field.tsx';
import { Failure } from '../../ui/states.tsx';
import { useWork } from '../../use-work.ts';
import { EMPTY_FORM, readConnectionString, SSL_MODES } from './connection-string.ts';
import { FileForm, type FileKind } from './file-form.tsx';

/** What every form of a new source is given. */
export interface AddSourceProps {
  readonly tenant: string;
  readonly model: string;
  readonly close: () => void;
}

/** Adds a source, tests it and reads its tables: what follows is seen on the source's own panel. */
export function AddSource(props: AddSourceProps) {
  const [kind, setKind] = useState<'postgres' | FileKind>('postgres');
  return (
    <section class="panel stack" aria-labelledby="add-source">
      <h2 id="add-source">Add a source</h2>
      <fieldset>
        <legend>Where are the orders?</legend>
        <div class="row">
          <Kind value="postgres" chosen={kind} choose={setKind} text="In a PostgreSQL database" />
          <Kind value="csv" chosen={kind} choose={setKind} text="In CSV files" />
          <Kind value="parquet" chosen={kind} choose={setKind} text="In Parquet files" />
        </div>
      </fieldset>
      {kind === 'postgres' ? <PostgresForm {...props} /> : <FileForm key={kind} kind={kind} {...props} />}
    </section>
  );
}

interface KindProps<T extends string> {
  readonly value: T;
  readonly chosen: string;
  readonly choose: (value: T) => void;
  readonly text: string;
}

function Kind<T extends string>({ value, chosen, choose, text }: KindProps<T>) {
  return (
    <label class="choice">
      <input type="radio" name="kind" checked={chosen === value} onChange={() => choose(value)} />
      {text}
    </label>
  );
}

function PostgresForm({ tenant, model, close }: AddSourceProps) {
  const [name, setName] = useState('Orders database');
  const [address, setAddress] = useState('');
  const [form, setForm] = useState(EMPTY_FORM);
  const set = (part: Partial<typeof form>) => setForm({ ...form, ...part });
  const params = { tenant, model };
  const work = useWork(async () => {
    const { password, port, ...settings } = form;
    const source = await api(createSource, {
      params,
      body: {
        name,
        settings: { kind: 'postgres', ...settings, port: Number(port) },
        ...(password === '' ? {} : { credentials: { password } }),
      },
    });
    await api(startConnectionTest, { params, body: { source: source.id } });
    close();
  });
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault();
        work.run();
      }}
    >
      <Field
        label="Connection string"
        type="password"
        value={address}
        placeholder="postgres://user:password@host:5432/database"
        hint="Optional: paste it here and the fields below are filled in."
        onInput={(text) => {
          const read = readConnectionString(text);
          // The password goes to its own field and the address, which holds it, goes away.
          setAddress(read === null ? text : '');
          if (read !== null) setForm(read);
        }}
      />
      <div class="columns">
        <Field label="Name" value={name} onInput={setName} required maxLength={80} />
        <Field
          label="Host"
          value={form.host}
          onInput={(host) => set({ host })}
          required
          placeholder="db.company.com"
        />
        <Field label="Port" type="number" value={form.port} onInput={(port) => set({ port })} required />
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
        <Choice
          label="Encryption (TLS)"
          value={form.sslMode}
          options={SSL_MODES.map((mode) => [mode, mode] as const)}
          onChange={(sslMode) => set({ sslMode })}
        />
      </div>
      {work.error !== null && <Failure error={work.error} />}
      <div class="row">
        <Button type="submit" busy={work.busy}>
          Save and test
        </Button>
        <Button kind="plain" onClick={close}>
          Cancel
        </Button>
      </div>
    </form>
  );
}
