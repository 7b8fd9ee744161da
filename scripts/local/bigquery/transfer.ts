/** Files in and out: where `gs://` objects lie, and Parquet written as objects. */
import { rmSync } from 'node:fs';
import { createReadStream } from 'node:fs';
import type { DuckDBConnection } from '@duckdb/node-api';
import { makeChecksum } from '../storage/checksum.ts';
import { commitObject, incomingFile, listRecords, readBucket } from '../storage/object-store.ts';
import { objectFile } from '../storage/paths.ts';
import { RestError } from './rest-error.ts';
import type { OutputColumn } from './sql/scope.ts';
import { quoteName, quoteText } from './sql/types.ts';

function split(uri: string): { bucket: string; name: string } {
  const match = /^gs:\/\/([^/]+)\/(.+)$/.exec(uri);
  if (!match)
    throw new RestError('invalid', `Invalid source or destination URI "${uri}"; use gs://bucket/object`);
  return { bucket: match[1] ?? '', name: match[2] ?? '' };
}

/** The files on disk that the URIs name, one `*` allowed in each; notFound names the URI that matches nothing. */
export function sourceFiles(storageDir: string, uris: readonly string[]): string[] {
  return uris.flatMap((uri) => {
    const { bucket, name } = split(uri);
    const [head = '', tail, more] = name.split('*');
    if (more !== undefined) throw new RestError('invalid', `Invalid URI "${uri}": only one "*" is allowed`);
    const names =
      tail === undefined
        ? [name]
        : readBucket(storageDir, bucket) === null
          ? []
          : listRecords(storageDir, bucket)
              .map((r) => r.name)
              .filter((n) => n.startsWith(head) && n.endsWith(tail) && n.length >= head.length + tail.length);
    const files = names.flatMap((n) => objectFile(storageDir, bucket, n) ?? []);
    if (files.length === 0) throw new RestError('notFound', `Not found: URI ${uri}`);
    return files;
  });
}

/** What to write where. */
export interface Export {
  readonly uri: string;
  readonly overwrite: boolean;
  readonly sql: string;
  readonly columns: readonly OutputColumn[];
}

/** Writes rows as one Parquet object; `*` in the URI becomes `000000000000`. JSON is written as text, DATETIME as a zone-less timestamp. */
export async function exportRows(
  connection: DuckDBConnection,
  storageDir: string,
  plan: Export,
  now: Date,
  compression = 'SNAPPY',
): Promise<void> {
  const { bucket, name } = split(plan.uri);
  if (readBucket(storageDir, bucket) === null)
    throw new RestError('notFound', `Not found: bucket ${bucket} of ${plan.uri}`);
  const target = name.replace('*', '000000000000');
  const prefix = name.split('*')[0] ?? name;
  const inTheWay = plan.overwrite
    ? undefined
    : listRecords(storageDir, bucket).find((r) => r.name.startsWith(prefix));
  if (inTheWay !== undefined)
    throw new RestError(
      'invalid',
      `Invalid value: overwrite option is not specified, but ${plan.uri} matches existing object ${inTheWay.name}`,
    );
  const file = incomingFile(storageDir);
  const list = plan.columns.map(
    (c, i) => `${c.type.base === 'JSON' ? `CAST("c${i}" AS VARCHAR)` : `"c${i}"`} AS ${quoteName(c.name)}`,
  );
  const names = plan.columns.map((_, i) => `"c${i}"`);
  try {
    await connection.run(
      `COPY (SELECT ${list.join(', ')} FROM (${plan.sql}) AS q(${names.join(', ')})) TO ${quoteText(file)} (FORMAT parquet, COMPRESSION ${compression})`,
    );
    const sums = makeChecksum();
    for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) sums.update(chunk);
    commitObject(
      storageDir,
      { bucket, name: target, fields: { contentType: 'application/octet-stream' } },
      file,
      sums.digest(),
      now,
    );
  } finally {
    rmSync(file, { force: true });
  }
}
