import { useState } from 'preact/hooks';
import type { SourceKind } from '#core/source';
import { BigQuerySourceForm } from './bigquery-source-form.tsx';
import { FileForm } from './file-form.tsx';
import { ServerSourceForm } from './server-source-form.tsx';

/** What every form of a new source is given. */
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
          <Kind value="bigquery" chosen={kind} choose={setKind} text="In BigQuery" />
          <Kind value="csv" chosen={kind} choose={setKind} text="In CSV files" />
          <Kind value="parquet" chosen={kind} choose={setKind} text="In Parquet files" />
        </div>
      </fieldset>
      {kind === 'csv' || kind === 'parquet' ? (
        <FileForm key={kind} kind={kind} {...props} />
      ) : kind === 'bigquery' ? (
        <BigQuerySourceForm {...props} />
      ) : (
        <ServerSourceForm key={kind} kind={kind} {...props} />
      )}
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
