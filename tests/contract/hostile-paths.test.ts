/** Addresses and names of files that ask for what is another's: on the real storage client, and what a tenant sees of it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Storage } from '@google-cloud/storage';
import { openFiles } from '#cloud/storage';
import type { ConnectorContext } from '#connectors/connector';
import { csv } from '#connectors/csv/csv';
import { makeHttpsObjects } from '#connectors/files/https-objects';
import { makeHostGuard, parseAllowedHosts } from '#connectors/hosts';
import { createUpload } from '#core/api/sources';
import { toFailure } from '#core/errors';
import { CsvSettings } from '#core/source';
import { Tenant } from '#core/tenant';
import { type LocalStorage, startLocalStorage } from '#scripts/local/storage/server';
import { sourceContext, type SourceWorld, uploadPrefix } from '#store/source-access';
import type { Store } from '#store/store';
import { HOSTILE_ADDRESSES, HOSTILE_FILE_NAMES, HOSTILE_WEB_PATHS } from '#tests/hostile-paths';
import { startWebFiles } from '#tests/https-files';

const SECRET = 'SECRET';
const FOREIGN = [
  'gs://ours/other/m2/uploads/u2/secret.csv', 'gs://ours/acme/m9/uploads/u3/secret.csv', 'gs://ours/acme/m1/runs/r1/secret.csv', 'gs://ours/secret.csv',
  'gs://ours/acme/m1/uploadsx/secret.csv', 'gs://ours/acme/m11/uploads/secret.csv', 'gs://ours/acme2/m1/uploads/secret.csv',
  'gs://others-files/secret.csv', 'gs://unlabelled/secret.csv',
]; // prettier-ignore
const OWN = 'gs://ours/acme/m1/uploads/u1/mine.csv';
const key = { tenant: 'acme', model: 'm1' };

let dir: string;
let server: LocalStorage;
let context: ConnectorContext;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'hostile-paths-'));
  server = await startLocalStorage({ dir });
  process.env['STORAGE_EMULATOR_HOST'] = server.url;
  process.env['GOOGLE_APPLICATION_CREDENTIALS'] = server.credentialsFile;
  const storage = new Storage({ projectId: 'demo-tradewind' });
  for (const [name, labels] of Object.entries({
    ours: {},
    unlabelled: {},
    'acme-files': { 'tradewind-tenant': 'acme' },
    'others-files': { 'tradewind-tenant': 'other' },
  }))
    await storage.createBucket(name, { location: 'europe-west1', labels });
  const files = openFiles('demo-tradewind');
  await Promise.all(FOREIGN.map((uri) => files.save(uri, `id\n${SECRET}\n`, 'text/csv')));
  for (const uri of [OWN, 'gs://acme-files/mine.csv']) await files.save(uri, 'id\nmine\n', 'text/csv');
  const at = '2026-01-01T00:00:00.000Z';
  const cloud = { projectId: 'p', location: 'europe-west1', bucket: 'ours', datasetPrefix: 'tw_' };
  const data = Tenant.parse({ id: 'acme', name: 'Acme', plan: 'trial', status: 'active', cloud, createdAt: at, updatedAt: at }); // prettier-ignore
  // Of the store and the configuration nothing else is used for files.
  const store = { db: { get: async (path: string) => ({ path, version: '1', data }) } } as unknown as Store;
  const world = { projectId: 'demo-tradewind', bucket: 'ours', allowedHosts: [], endpoints: { bigquery: undefined } } as unknown as SourceWorld; // prettier-ignore
  context = await sourceContext(store, world, key);
});
afterAll(async () => {
  await server.close();
  rmSync(dir, { recursive: true });
  delete process.env['STORAGE_EMULATOR_HOST'];
  delete process.env['GOOGLE_APPLICATION_CREDENTIALS'];
});

/** Everything that a source of the address `uri` gives: by its test, by a discovery, and by asking storage outright. */
async function allOf(uri: string): Promise<{ found: string[]; refused: string[] }> {
  const found: string[] = [];
  const refused: string[] = [];
  const trying = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      const { code, remedy } = toFailure(error);
      refused.push(remedy === null ? `${code} without a remedy` : code);
    }
  };
  const read = async (each: string): Promise<void> => {
    const version = await context.objects.stat(each);
    if (version === null) return;
    for await (const chunk of context.objects.open(each, version.generation))
      found.push(Buffer.from(chunk).toString());
  };
  await trying(() => read(uri));
  // As far as a pattern says nothing else, and as if it said nothing.
  for (const prefix of new Set([uri.split('*')[0] ?? '', uri]))
    await trying(async () => {
      for await (const page of context.objects.list(prefix))
        for (const each of page) {
          found.push(each.uri);
          await read(each.uri);
        }
    });
  const settings = CsvSettings.safeParse({ kind: 'csv', uris: [uri] });
  if (!settings.success) return { found, refused: [...refused, 'contract'] };
  const access = { settings: settings.data, credentials: null };
  const never = new AbortController().signal;
  await trying(async () => {
    const session = await csv.connect(access, context, never);
    await session.openSnapshot();
    for (const { name } of await session.listTables()) {
      const { columns } = await session.describe(name);
      found.push(...columns.map((column) => column.name));
    }
  });
  for await (const { message, code, remedy } of csv.test(access, context, never)) {
    found.push(message);
    if (code !== null) refused.push(remedy === null ? `${code} without a remedy` : code);
  }
  return { found, refused };
}

test('no address gets at an object of another tenant or model', async () => {
  expect(new Set(HOSTILE_ADDRESSES).size).toBeGreaterThanOrEqual(90);
  const wrong: string[] = [];
  for (const uri of HOSTILE_ADDRESSES) {
    const { found, refused } = await allOf(uri);
    const got = found.filter((text) => text.includes(SECRET) || FOREIGN.includes(text));
    const odd = refused.filter(
      (code) => !/^(contract|object-forbidden|object-not-found|uri-invalid|host-unknown|object-missing)$/.test(code),
    );
    if (got.length > 0 || odd.length > 0 || (refused.length === 0 && found.length === 0 && uri !== ''))
      wrong.push(`${JSON.stringify(uri.slice(0, 100))}: got ${got.join(' ')}, refused with ${odd.join(' ')}`);
  }
  expect(wrong).toEqual([]);
  // The trap holds: what is its own is read.
  expect((await allOf(OWN)).found.join('')).toContain('mine');
  expect((await allOf('gs://acme-files/*.csv')).refused).toEqual([]);
}); // prettier-ignore

test('no name of a file leads an upload out of its folder', async () => {
  expect(new Set(HOSTILE_FILE_NAMES).size).toBeGreaterThanOrEqual(60);
  const files = openFiles('demo-tradewind');
  const before = await objects();
  const wrong: string[] = [];
  let taken = 0;
  for (const [at, fileName] of HOSTILE_FILE_NAMES.entries()) {
    if (!createUpload.body.safeParse({ fileName, bytes: 1 }).success) continue;
    taken += 1;
    const uri = `${uploadPrefix('ours', key)}u${at}/${fileName}`;
    const url = await files.uploadAddress(uri, { contentType: 'text/csv', bytes: 1 });
    const answer = await fetch(url, { method: 'PUT', body: 'x' });
    const there = await context.objects.stat(uri);
    if (!answer.ok || there?.bytes !== 1) wrong.push(`${JSON.stringify(fileName)}: ${answer.status}`);
  }
  expect(wrong).toEqual([]);
  const added = (await objects()).filter((uri) => !before.includes(uri));
  expect(added).toHaveLength(taken);
  expect(added.filter((uri) => !/^gs:\/\/ours\/acme\/m1\/uploads\/u\d+\/[^/]+$/s.test(uri))).toEqual([]);
});

async function objects(): Promise<string[]> {
  const found = await Promise.all(
    ['gs://ours/', 'gs://others-files/', 'gs://unlabelled/', 'gs://acme-files/'].map((each) =>
      openFiles('demo-tradewind').list(each),
    ),
  );
  return found.flat().map(({ uri }) => uri);
}

test('no name of a file adds a header to its download', async () => {
  for (const fileName of HOSTILE_FILE_NAMES) {
    const address = await openFiles('demo-tradewind').downloadAddress(OWN, { seconds: 60, fileName });
    const asked = new URL(address).searchParams.get('response-content-disposition') ?? '';
    expect(asked).toMatch(/^attachment; filename="[\w.-]*"$/);
  }
});

test('no path of a web server becomes two requests, or another header', async () => {
  const web = await startWebFiles();
  try {
    const reader = makeHttpsObjects(makeHostGuard(parseAllowedHosts('127.0.0.1')), { ca: web.ca });
    for (const path of HOSTILE_WEB_PATHS) {
      web.asked.length = 0;
      await reader.stat(`https://127.0.0.1:${web.port}${path}`).catch((error: unknown) => error);
      expect(web.asked.length).toBeLessThanOrEqual(1);
      for (const line of web.asked) expect(line).toMatch(/^GET \/[!-~]* bytes=0-0$/);
    }
  } finally {
    await web.close();
  }
});
