import { openAsBlob } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { allOf } from '#core/api/client';
import { getConnectionTest, startConnectionTest } from '#core/api/connection-tests';
import {
  createSource,
  createUpload,
  discoverTables,
  listSources,
  listSourceTables,
  setCredentials,
  updateSourceTable,
} from '#core/api/sources';
import { TerminalError } from '#core/errors';
import type { Credentials, Source, SourceSettings, SourceTable } from '#core/source';
import { type Encoding, isParquet } from '#scripts/start/options';
import { hashFile, readMemory, writeMemory } from '#scripts/start/memory';
import type { Session } from '#scripts/start/session';
import { failed, waitFor } from '#scripts/start/waiting';

/** A source as the API takes it. */
export interface SourcePlan {
  readonly name: string;
  readonly settings: SourceSettings;
  readonly credentials?: Credentials;
}

/** The size of an order file in bytes. @throws TerminalError `usage` when it is missing, empty or no file. */
export async function checkOrders(file: string): Promise<number> {
  const found = await stat(file).catch(() => null);
  if (found !== null && found.isFile() && found.size > 0) return found.size;
  const fault = found === null ? 'does not exist' : found.isFile() ? 'is empty' : 'is no file';
  throw new TerminalError('usage', `--orders: ${file} ${fault}.`, {
    remedy: 'Give the path of a .csv, .csv.gz, .csv.zst or .parquet file with one line per article bought.',
  });
}

/**
 * Uploads `file` as it is (once: the same bytes are found again under `state`) and answers the source that reads it.
 * @throws TerminalError `usage` as `checkOrders`; `upload` when the storage refuses it.
 */
export async function uploadOrders(
  session: Session,
  { file, encoding }: { readonly file: string; readonly encoding: Encoding },
  state: string,
): Promise<SourcePlan> {
  const bytes = await checkOrders(file);
  const memory = await readMemory(state);
  // Uploads belong to a model: the same bytes under another model are another object.
  const key = `${session.at.model}:${await hashFile(file)}`;
  const uri = memory.uploads[key] ?? (await upload(session, file, bytes));
  await writeMemory(state, { ...memory, uploads: { ...memory.uploads, [key]: uri } });
  return {
    name: path.basename(file).slice(0, 80),
    settings: isParquet(file) ? { kind: 'parquet', uris: [uri] } : { kind: 'csv', uris: [uri], encoding },
  };
}

async function upload({ call, at, signal }: Session, file: string, bytes: number): Promise<string> {
  const place = await call(createUpload, { params: at, body: { fileName: path.basename(file), bytes } });
  const response = await fetch(place.url, {
    method: place.method,
    headers: place.headers,
    body: await openAsBlob(file),
    signal,
  });
  if (!response.ok)
    throw new TerminalError(
      'upload',
      `Uploading ${file} was answered with ${response.status}: ${(await response.text()).slice(0, 300)}`,
      {
        remedy: 'Try again; if it happens again, look into the storage log in the state folder.',
      },
    );
  return place.uri;
}

/** The model's source with these settings, made where it is missing; its credentials are set either way. */
export async function openSource({ call, at }: Session, plan: SourcePlan): Promise<Source> {
  const known = await call(listSources, { params: at, query: { limit: 200 } });
  const same = known.items.find(({ settings }) => isDeepStrictEqual(settings, plan.settings));
  if (same === undefined) return call(createSource, { params: at, body: plan });
  if (plan.credentials === undefined) return same;
  return call(setCredentials, { params: { ...at, source: same.id }, body: plan.credentials });
}

/**
 * Tests the connection step by step.
 * @throws TerminalError naming the failed step, with its remedy.
 */
export async function testConnection(
  { call, at, signal }: Session,
  source: Source,
  say: (detail: string) => void,
): Promise<void> {
  const begun = await call(startConnectionTest, { params: at, body: { source: source.id } });
  const test = await waitFor(
    () => call(getConnectionTest, { params: { ...at, test: begun.id } }),
    ({ status }) => status === 'passed' || status === 'failed',
    ({ steps }) =>
      say(
        steps
          .filter(({ status }) => status === 'passed')
          .map(({ name }) => name)
          .join(', '),
      ),
    signal,
  );
  if (test.status === 'passed') return;
  const step = test.steps.find(({ status }) => status === 'failed');
  if (step === undefined) throw failed('The connection test', test.failure);
  throw new TerminalError(
    'connection',
    `The connection test failed at "${step.name}": ${step.message}`,
    step.remedy === null ? {} : { remedy: step.remedy },
  );
}

/** Reads the source's schema. @throws TerminalError `no-tables` when there is nothing to load. */
export async function discover({ call, at }: Session, source: Source): Promise<SourceTable[]> {
  const { items } = await call(discoverTables, { params: { ...at, source: source.id } });
  if (items.length === 0)
    throw new TerminalError('no-tables', `${source.name} has no tables that its login may read.`, {
      remedy: 'Grant the login SELECT on the tables that hold orders, articles and customers.',
    });
  return items;
}

/** Chooses what the next ETL run loads: `wanted` tables of `source`, and nothing of the model's other sources. */
export async function chooseTables(
  { call, at }: Session,
  source: Source,
  wanted: ReadonlySet<string>,
): Promise<void> {
  const sources = await call(listSources, { params: at, query: { limit: 200 } });
  for (const each of sources.items) {
    const tables = await allOf((query) =>
      call(listSourceTables, { params: { ...at, source: each.id }, query }),
    );
    for (const table of tables) {
      const enabled = each.id === source.id && wanted.has(table.id);
      if (table.enabled !== enabled)
        await call(updateSourceTable, {
          params: { ...at, source: each.id, table: table.id },
          body: { enabled },
        });
    }
  }
}
