import { useState } from 'preact/hooks';
import { createSource, createUpload, discoverTables } from '#core/api/sources';
import type { SourceKind } from '#core/source';
import { api } from '../../api.ts';
import { Button } from '../../ui/button.tsx';
import { Field } from '../../ui/field.tsx';
import { bytes } from '../../ui/format.ts';
import { Failure } from '../../ui/states.tsx';
import { useWork } from '../../use-work.ts';
import { sendFile } from './send-file.ts';
import { ServerSourceForm } from './server-source-form.tsx';

export interface AddSourceProps {
  readonly tenant: string;
  readonly model: string;
  readonly close: () => void;
}

/** Adds a source, tests it and reads its tables: what follows is seen on the source's own panel. */
export function AddSource(props: AddSourceProps) {
  const [kind, setKind] = useState<SourceKind>('postgres');
  return (
    <section class="panel stack" aria-labelledby="add-source">
      <h2 id="add-source">Add a source</h2>
      <fieldset>
        <legend>Where are the orders?</legend>
        <div class="row">
          <Kind value="postgres" chosen={kind} choose={setKind} text="In a PostgreSQL database" />
          <Kind value="mysql" chosen={kind} choose={setKind} text="In a MySQL or MariaDB database" />
          <Kind value="sqlserver" chosen={kind} choose={setKind} text="In a SQL Server database" />
          <Kind value="csv" chosen={kind} choose={setKind} text="In CSV files" />
        </div>
      </fieldset>
      {kind === 'csv' ? <CsvForm {...props} /> : <ServerSourceForm key={kind} kind={kind} {...props} />}
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

function CsvForm({ tenant, model, close }: AddSourceProps) {
  const [name, setName] = useState('Order lines');
  const [files, setFiles] = useState<readonly File[]>([]);
  const [sent, setSent] = useState(0);
  const total = files.reduce((sum, file) => sum + file.size, 0);
  const params = { tenant, model };
  const work = useWork(async () => {
    const uris: string[] = [];
    let before = 0;
    for (const file of files) {
      const place = await api(createUpload, { params, body: { fileName: file.name, bytes: file.size } });
      await sendFile(place, file, (part) => setSent(before + part));
      before += file.size;
      uris.push(place.uri);
    }
    const source = await api(createSource, { params, body: { name, settings: { kind: 'csv', uris } } });
    await api(discoverTables, { params: { ...params, source: source.id } });
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
      <div class="columns">
        <Field label="Name" value={name} onInput={setName} required maxLength={80} />
        <div class="field">
          <label htmlFor="csv-files">Files</label>
          <input
            id="csv-files"
            type="file"
            accept=".csv,.tsv,.txt,.gz"
            multiple
            required
            aria-describedby="csv-files-note"
            onChange={(event) => setFiles([...(event.currentTarget.files ?? [])])}
          />
          <p id="csv-files-note" class="hint">
            With a header line; .gz is fine. Each file becomes a table.
          </p>
        </div>
      </div>
      {work.busy && (
        <output class="stack">
          <progress max={total} value={sent} aria-label="Upload" />
          <p class="quiet">
            {bytes(sent)} of {bytes(total)}
            {sent >= total && ' · reading the columns'}
          </p>
        </output>
      )}
      {work.error !== null && <Failure error={work.error} />}
      <div class="row">
        <Button type="submit" busy={work.busy}>
          Upload
        </Button>
        <Button kind="plain" onClick={close}>
          Cancel
        </Button>
      </div>
    </form>
  );
}
