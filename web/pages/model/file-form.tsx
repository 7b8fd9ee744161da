import { useState } from 'preact/hooks';
import { createSource, createUpload, discoverTables } from '#core/api/sources';
import type { SourceSettings } from '#core/source';
import { api } from '../../api.ts';
import { Area, Choice, Field } from '../../ui/field.tsx';
import { bytes } from '../../ui/format.ts';
import { WorkForm } from '../../ui/work-form.tsx';
import { useWork } from '../../use-work.ts';
import type { AddSourceProps } from './add-source.tsx';
import { sendFile } from './send-file.ts';

/** Kinds of sources that are files. */
export type FileKind = Extract<SourceSettings, { uris: unknown }>['kind'];
type Encoding = Extract<SourceSettings, { kind: 'csv' }>['encoding'];

const kinds: Readonly<Record<FileKind, { name: string; accept: string; hint: string; example: string }>> = {
  csv: {
    name: 'Order lines',
    accept: '.csv,.tsv,.txt,.gz,.zst',
    hint: 'With a header line; .gz and .zst are fine. Each file becomes a table.',
    example: 'gs://bucket/orders/*.csv',
  },
  parquet: {
    name: 'Order lines',
    accept: '.parquet,.pq,.parq',
    hint: 'Each file becomes a table, with the types it has.',
    example: 'gs://bucket/orders/*.parquet',
  },
};

const ENCODINGS: readonly (readonly [Encoding, string])[] = [
  ['utf-8', 'UTF-8'],
  ['windows-1252', 'Windows-1252 (Western Europe)'],
  ['latin1', 'Latin-1 (ISO 8859-1)'],
  ['utf-16', 'UTF-16'],
];

/** A source of files: chosen here and uploaded, or named where they are. */
export function FileForm({ tenant, model, close, kind }: AddSourceProps & { readonly kind: FileKind }) {
  const { accept, hint, example } = kinds[kind];
  const [name, setName] = useState(kinds[kind].name);
  const [files, setFiles] = useState<readonly File[]>([]);
  const [addresses, setAddresses] = useState('');
  const [encoding, setEncoding] = useState<Encoding>('utf-8');
  const [sent, setSent] = useState(0);
  const total = files.reduce((sum, file) => sum + file.size, 0);
  const named = addresses.split(/\s+/).filter((address) => address !== '');
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
    uris.push(...named);
    const settings = kind === 'csv' ? { kind, uris, encoding } : { kind, uris };
    const source = await api(createSource, { params, body: { name, settings } });
    await api(discoverTables, { params: { ...params, source: source.id } });
    close();
  });
  return (
    <WorkForm work={work} submit={files.length === 0 && named.length > 0 ? 'Save' : 'Upload'} cancel={close}>
      <div class="columns">
        <Field label="Name" value={name} onInput={setName} required maxLength={80} />
        <div class="field">
          <label htmlFor="source-files">Files</label>
          <input
            id="source-files"
            type="file"
            accept={accept}
            multiple
            required={named.length === 0}
            aria-describedby="source-files-note"
            onChange={(event) => setFiles([...(event.currentTarget.files ?? [])])}
          />
          <p id="source-files-note" class="hint">
            {hint}
          </p>
        </div>
        {kind === 'csv' && (
          <Choice label="Encoding" value={encoding} options={ENCODINGS} onChange={setEncoding} />
        )}
      </div>
      <Area
        label="Or where the files are already"
        value={addresses}
        onInput={setAddresses}
        rows={2}
        hint={`One address a line, such as ${example}: all files that match * are one table.`}
      />
      {work.busy && files.length > 0 && (
        <output class="stack">
          <progress max={total} value={sent} aria-label="Upload" />
          <p class="quiet">
            {bytes(sent)} of {bytes(total)}
            {sent >= total && ' · reading the columns'}
          </p>
        </output>
      )}
    </WorkForm>
  );
}
