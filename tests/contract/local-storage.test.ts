/** The local Cloud Storage as production sees it: through the official client. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Storage } from '@google-cloud/storage';
import { openFiles } from '#cloud/storage';
import { objectFile } from '#scripts/local/storage/paths';
import { startLocalStorage } from '#scripts/local/storage/server';
import type { LocalStorage } from '#scripts/local/storage/server';

let dir: string;
let server: LocalStorage;
let storage: Storage;
/** A client configured as production's is: by the environment alone. */
const connect = () => {
  process.env['STORAGE_EMULATOR_HOST'] = server.url;
  process.env['GOOGLE_APPLICATION_CREDENTIALS'] = server.credentialsFile;
  return new Storage({ projectId: 'demo-tradewind' });
};
const bucket = () => storage.bucket('demo-bucket');
const save = (name: string, text: string) => bucket().file(name).save(text, { resumable: false });
const failure = async (work: Promise<unknown>): Promise<{ code: number; message: string }> =>
  work.then(
    () => Promise.reject(new Error('should have failed')),
    (error: { code: number; message: string }) => error,
  );

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'local-storage-'));
  server = await startLocalStorage({ dir });
  storage = connect();
  await storage.createBucket('demo-bucket', { location: 'europe-west1' });
});
afterEach(async () => {
  await server.close();
  rmSync(dir, { recursive: true });
  delete process.env['STORAGE_EMULATOR_HOST'];
  delete process.env['GOOGLE_APPLICATION_CREDENTIALS'];
});

test('a bucket is created once, found, listed, and deleted only when empty', async () => {
  expect((await failure(storage.createBucket('demo-bucket'))).code).toBe(409);
  expect((await storage.getBuckets())[0].map((b) => b.name)).toEqual(['demo-bucket']);
  expect((await bucket().getMetadata())[0].location).toBe('EUROPE-WEST1');
  await save('a', '1');
  expect((await failure(bucket().delete())).code).toBe(409);
  await bucket().file('a').delete();
  await bucket().delete();
  expect((await bucket().exists())[0]).toBe(false);
});

test('objects go in by one request, by a resumable upload and by chunks, and come out byte for byte', async () => {
  const big = randomBytes(3 * 1024 * 1024 + 17);
  await bucket()
    .file('simple')
    .save(big, { resumable: false, contentType: 'application/x-test', metadata: { metadata: { run: '7' } } });
  await bucket().file('resumable').save(big, { resumable: true });
  await bucket()
    .file('chunked')
    .save(big, { resumable: true, chunkSize: 1024 * 1024 });
  await bucket().file('empty').save('', { resumable: true });
  for (const name of ['simple', 'resumable', 'chunked'])
    expect((await bucket().file(name).download())[0].equals(big)).toBe(true);
  expect((await bucket().file('empty').download())[0].length).toBe(0);
  const [metadata] = await bucket().file('simple').getMetadata();
  expect(metadata).toMatchObject({
    contentType: 'application/x-test',
    size: String(big.length),
    metadata: { run: '7' },
    metageneration: '1',
  });
  expect(
    (await bucket().file('simple').download({ start: 10, end: 19 }))[0].equals(big.subarray(10, 20)),
  ).toBe(true);
});

test('what is kept with Content-Encoding gzip is read as it is stored, not unpacked', async () => {
  const packed = gzipSync(Buffer.alloc(5_000_000, 'a,b\n'));
  await bucket()
    .file('bomb.csv')
    .save(packed, { resumable: false, metadata: { contentEncoding: 'gzip', contentType: 'text/csv' } });
  const chunks: Uint8Array[] = [];
  for await (const chunk of openFiles('demo-tradewind').read('gs://demo-bucket/bomb.csv')) chunks.push(chunk);
  expect(Buffer.concat(chunks).equals(packed)).toBe(true);
});

test('a temporary object says since when, so that the bucket’s life cycle finds it', async () => {
  const files = openFiles('demo-tradewind');
  for (const [name, temporary] of [
    ['staged', true],
    ['kept', false],
  ] as const) {
    const writer = files.openWriter(`gs://demo-bucket/${name}`, 'text/plain', { temporary });
    await writer.write(Buffer.from('x'));
    await writer.close();
    const [metadata] = await bucket().file(name).getMetadata();
    expect(Date.parse(metadata.customTime ?? '') > Date.now() - 60_000).toBe(temporary);
  }
});

test('an upload whose checksum does not match is refused and leaves nothing', async () => {
  const upload = bucket()
    .file('a')
    .save('hello', { resumable: false, metadata: { crc32c: 'AAAAAA==' } });
  expect((await failure(upload)).message).toMatch(/AAAAAA==/);
  expect((await bucket().file('a').exists())[0]).toBe(false);
});

test('a resumable upload cut in the middle continues, also after the server was restarted', async () => {
  const [uri] = await bucket().file('cut').createResumableUpload();
  const part = await fetch(uri, {
    method: 'PUT',
    headers: { 'content-range': 'bytes 0-4/10' },
    body: 'hello',
  });
  expect([part.status, part.headers.get('range')]).toEqual([308, 'bytes=0-4']);
  await server.close();
  server = await startLocalStorage({ dir, port: server.port });
  const asked = await fetch(uri, { method: 'PUT', headers: { 'content-range': 'bytes */*' } });
  expect([asked.status, asked.headers.get('range')]).toEqual([308, 'bytes=0-4']);
  // The client sends two bytes it had sent before.
  const last = await fetch(uri, {
    method: 'PUT',
    headers: { 'content-range': 'bytes 3-9/10' },
    body: 'loworld',
  });
  expect(last.status).toBe(200);
  expect((await bucket().file('cut').download())[0].toString()).toBe('helloworld');
});

test('generations and their preconditions make writers take turns', async () => {
  const file = bucket().file('lock');
  const create = () => file.save('1', { resumable: false, preconditionOpts: { ifGenerationMatch: 0 } });
  await create();
  expect((await failure(create())).code).toBe(412);
  const generation = Number(file.metadata.generation);
  await file.save('2', { resumable: false, preconditionOpts: { ifGenerationMatch: generation } });
  expect(Number(file.metadata.generation)).toBeGreaterThan(generation);
  expect(
    (await failure(file.save('3', { resumable: true, preconditionOpts: { ifGenerationMatch: generation } })))
      .code,
  ).toBe(412);
  expect((await failure(bucket().file('lock', { generation }).download())).code).toBe(404);
  await file.setMetadata({ metadata: { a: '1', b: '2' } }, { ifMetagenerationMatch: 1 });
  await file.setMetadata({ metadata: { a: null } });
  expect(file.metadata).toMatchObject({ metageneration: '3', metadata: { b: '2' } });
  expect((await failure(file.setMetadata({ contentType: 'x/y' }, { ifMetagenerationMatch: 1 }))).code).toBe(
    412,
  );
  expect((await failure(file.delete({ ifGenerationMatch: generation }))).code).toBe(412);
  expect((await file.download())[0].toString()).toBe('2');
});

test('of twenty writers that each want to be first, one is', async () => {
  const writers = Array.from({ length: 20 }, (_, i) =>
    bucket()
      .file('first')
      .save(String(i), { resumable: false, preconditionOpts: { ifGenerationMatch: 0 } }),
  );
  const results = await Promise.allSettled(writers);
  expect(results.filter((r) => r.status === 'fulfilled')).toHaveLength(1);
});

test('listing follows prefix, delimiter and pages', async () => {
  for (const name of ['a/1', 'a/2', 'a/b/3', 'b/4', 'c']) await save(name, name);
  const names = async (query: object) => (await bucket().getFiles(query))[0].map((f) => f.name);
  expect(await names({ prefix: 'a/' })).toEqual(['a/1', 'a/2', 'a/b/3']);
  expect(await names({ startOffset: 'a/2', endOffset: 'c' })).toEqual(['a/2', 'a/b/3', 'b/4']);
  const [page, next, body] = await bucket().getFiles({ delimiter: '/', maxResults: 2, autoPaginate: false });
  expect([page.map((f) => f.name), body]).toMatchObject([[], { prefixes: ['a/', 'b/'] }]);
  const [rest] = await bucket().getFiles({ ...next, autoPaginate: false });
  expect(rest.map((f) => f.name)).toEqual(['c']);
});

test('copy, move and compose', async () => {
  await save('a', 'one ');
  await save('b', 'two');
  await bucket().file('a').copy(bucket().file('copies/a'));
  await bucket().file('b').move('moved');
  await bucket().combine(['copies/a', 'moved'], 'both');
  expect((await bucket().file('both').download())[0].toString()).toBe('one two');
  expect((await bucket().file('both').getMetadata())[0]).toMatchObject({ componentCount: 2 });
  expect((await bucket().file('b').exists())[0]).toBe(false);
});

test('no object name leaves the folder of its bucket', async () => {
  const names = [
    '../escape',
    '..%2f..%2fescape',
    '/etc/passwd',
    'a/../../b',
    'C:\\x',
    'Ünïcödé 🚢',
    'x'.repeat(1024),
    'bucket.json',
    'A',
    'a',
    'o/b/rewriteTo',
  ];
  for (const name of names) await save(name, name);
  for (const name of names) expect((await bucket().file(name).download())[0].toString()).toBe(name);
  expect((await bucket().getFiles())[0].map((f) => f.name).sort()).toEqual([...names].sort());
  expect(readdirSync(dir).sort()).toEqual(['.incoming', '.service-account.json', 'demo-bucket']);
  expect((await failure(save('x'.repeat(1025), ''))).message).toMatch(/1-1024 bytes/);
  expect((await failure(storage.createBucket('..'))).message).toMatch(/Invalid bucket name/);
});

test('a signed URL lets a browser upload and download, and only what was signed', async () => {
  const sign = (action: 'read' | 'write', expires = Date.now() + 60_000) =>
    bucket()
      .file('up load/ö.csv')
      .getSignedUrl({
        version: 'v4',
        action,
        expires,
        ...(action === 'write' ? { contentType: 'text/csv' } : {}),
      });
  const [put] = await sign('write');
  const send = (url: string, type: string) =>
    fetch(url, { method: 'PUT', headers: { 'content-type': type, origin: 'http://page' }, body: 'a,b\n' });
  expect((await send(put, 'text/plain')).status).toBe(403);
  const sent = await send(put, 'text/csv');
  expect([sent.status, sent.headers.get('access-control-allow-origin')]).toEqual([200, 'http://page']);
  const [get] = await sign('read');
  expect(await (await fetch(get)).text()).toBe('a,b\n');
  expect((await fetch(get.replace('%C3%B6', 'o'))).status).toBe(403);
  expect((await fetch(get, { method: 'PUT', body: 'x' })).status).toBe(403);
  expect((await fetch(`${server.url}/demo-bucket/up%20load/%C3%B6.csv`)).status).toBe(501);
});

test('an expired signed URL is refused', async () => {
  const [url] = await bucket()
    .file('a')
    .getSignedUrl({ version: 'v4', action: 'read', expires: Date.now() + 60_000 });
  await server.close();
  server = await startLocalStorage({ dir, port: server.port, clock: () => new Date(Date.now() + 3_600_000) });
  const answer = await fetch(url);
  expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining('expired')]);
});

test('objects and generations outlive the process; half-written files are swept', async () => {
  await save('kept', 'kept');
  const generation = (await bucket().file('kept').getMetadata())[0].generation;
  await server.close();
  writeFileSync(join(dir, '.incoming', 'half-written'), 'x');
  const orphan = `${objectFile(dir, 'demo-bucket', 'kept')}9`;
  writeFileSync(orphan, 'x');
  server = await startLocalStorage({ dir });
  storage = connect();
  expect((await bucket().file('kept').getMetadata())[0].generation).toBe(generation);
  expect(readdirSync(join(dir, '.incoming'))).toEqual([]);
  expect(readdirSync(join(dir, 'demo-bucket'))).toHaveLength(3);
  expect(readFileSync(objectFile(dir, 'demo-bucket', 'kept') ?? '', 'utf8')).toBe('kept');
  expect(objectFile(dir, 'demo-bucket', '../../etc/passwd')).toBeNull();
});

test('a call that is not offered names itself', async () => {
  expect((await failure(bucket().iam.getPolicy())).message).toMatch(
    /Not supported by the local Cloud Storage: GET .*iam/,
  );
});
