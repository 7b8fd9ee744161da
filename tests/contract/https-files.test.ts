/** Files on a real web server: versions, ranges, redirects, and what a server may not do to us. */
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { parquetWriteBuffer } from 'hyparquet-writer';
import type { ObjectReader, SourceAccess } from '#connectors/connector';
import { csv as csvConnector } from '#connectors/csv/csv';
import { makeCsvFormat } from '#connectors/csv/format';
import { makeFileSession } from '#connectors/files/file-session';
import { makeHttpsObjects, type HttpsOptions } from '#connectors/files/https-objects';
import { makeHostGuard, parseAllowedHosts } from '#connectors/hosts';
import { makeParquetFormat } from '#connectors/parquet/format';
import { extractAll, makeTestContext } from '#tests/connectors';
import { startWebFiles, type WebFiles } from '#tests/https-files';
import { readWithHyparquet } from '#tests/parquet';

let server: WebFiles;
beforeAll(async () => {
  server = await startWebFiles();
});
beforeEach(() => {
  server.files.clear();
  server.asked.length = 0;
});
afterAll(() => server.close());

const at = (path: string): string => `https://localhost:${server.port}${path}`;

function readerOf(allowed = '127.0.0.1', options: HttpsOptions = {}): ObjectReader {
  const hosts = makeHostGuard(parseAllowedHosts(allowed), async (host) => {
    if (host === 'localhost') return ['127.0.0.1'];
    if (host === 'inside.example') return ['10.0.0.7'];
    throw Object.assign(new Error('not found'), { code: 'ENOTFOUND' });
  });
  return makeHttpsObjects(hosts, { ca: server.ca, ...options });
}

const csv = (objects: ObjectReader, uri: string) =>
  makeFileSession([uri], objects, makeCsvFormat({ kind: 'csv', uris: [uri], encoding: 'utf-8' }, objects));

test('a CSV file is read as it lies there; what changes is another version', async () => {
  const uri = at('/orders.csv');
  server.files.set('/orders.csv', { bytes: Buffer.from('id\n1\n2\n'), etag: '"a"' });
  const session = csv(readerOf(), uri);
  await session.openSnapshot();
  const { columns } = await session.describe('orders.csv');
  const units = await session.planUnits('orders.csv', { targetBytes: 1e9 });
  const { files } = await extractAll(session, units, columns);
  expect(await readWithHyparquet(files[0]!)).toEqual([{ id: 1n }, { id: 2n }]);
  const before = await session.safeUpperBound('orders.csv', null, null);

  server.files.set('/orders.csv', { bytes: Buffer.from('id\n1\n3\n'), etag: '"b"' });
  await expect(extractAll(session, units, columns)).rejects.toMatchObject({
    code: 'object-changed',
    message: expect.stringContaining(uri),
  });
  const later = csv(readerOf(), uri);
  await later.openSnapshot();
  expect((await later.safeUpperBound('orders.csv', null, before.value)).value).not.toBe(before.value);
});

test('Parquet is read in ranges: the footer, then the row groups', async () => {
  const ids = Array.from({ length: 5000 }, (_, n) => BigInt(n));
  const bytes = new Uint8Array(parquetWriteBuffer({ columnData: [{ name: 'id', data: ids, type: 'INT64' }], rowGroupSize: 1000 })); // prettier-ignore
  server.files.set('/a/things.parquet', { bytes, modified: 'Fri, 27 Nov 2026 10:00:00 GMT' });
  const objects = readerOf();
  const session = makeFileSession([at('/a/things.parquet')], objects, makeParquetFormat(objects));
  await session.openSnapshot();
  const { columns } = await session.describe('things.parquet');
  const units = await session.planUnits('things.parquet', { targetBytes: 1 });
  expect(units).toHaveLength(5);
  const { files } = await extractAll(session, units.slice(3, 4), columns);
  expect((await readWithHyparquet(files[0]!)).map((row) => row['id'])).toEqual(ids.slice(3000, 4000));
  expect(server.asked.every((line) => line.includes('bytes='))).toBe(true);
});

test('a server that sends files as a whole is refused for Parquet', async () => {
  server.files.set('/x.parquet', { bytes: new Uint8Array(100), etag: '"a"', ranges: false });
  const objects = readerOf();
  const session = makeFileSession([at('/x.parquet')], objects, makeParquetFormat(objects));
  await expect(session.describe('x.parquet')).rejects.toMatchObject({ code: 'ranges-unsupported', remedy: expect.any(String) }); // prettier-ignore
});

test('without ETag and Last-Modified a file counts as changed at every load, and says so', async () => {
  server.files.set('/plain.csv', { bytes: Buffer.from('id\n1\n') });
  const session = csv(readerOf(), at('/plain.csv'));
  await session.openSnapshot();
  expect(await session.planUnits('plain.csv', { targetBytes: 1 })).toHaveLength(1);
  const first = await session.safeUpperBound('plain.csv', null, null);
  expect(first).toMatchObject({ value: 'length:5#1', note: expect.stringContaining('at every load') });
  // Another file of the same length, for all that can be known.
  server.files.set('/plain.csv', { bytes: Buffer.from('id\n2\n') });
  const later = csv(readerOf(), at('/plain.csv'));
  await later.openSnapshot();
  const second = await later.safeUpperBound('plain.csv', null, first.value);
  const range = { column: '', after: first.value, upTo: second.value ?? '' };
  expect(second.value).toBe('length:5#2');
  expect(await later.planUnits('plain.csv', { targetBytes: 1, range })).toHaveLength(1);
});

test('a server that does not say how long a file is, is not read', async () => {
  server.files.set('/endless.csv', { bytes: Buffer.from('id\n1\n'), ranges: false, lengthless: true });
  const session = csv(readerOf(), at('/endless.csv'));
  await expect(session.openSnapshot()).rejects.toMatchObject({
    code: 'length-unknown',
    remedy: expect.stringContaining('Content-Length'),
  });
});

test('without ETag and Last-Modified the length tells one version from another, and Parquet is not read in parts', async () => {
  server.files.set('/plain.csv', { bytes: Buffer.from('id\n1\n') });
  const session = csv(readerOf(), at('/plain.csv'));
  await session.openSnapshot();
  const { columns } = await session.describe('plain.csv');
  const units = await session.planUnits('plain.csv', { targetBytes: 1 });
  expect((await extractAll(session, units, columns)).tally.rows).toBe(1);
  server.files.set('/plain.csv', { bytes: Buffer.from('id\n1\n2\n') });
  await expect(extractAll(session, units, columns)).rejects.toMatchObject({ code: 'object-changed' });

  const bytes = new Uint8Array(
    parquetWriteBuffer({ columnData: [{ name: 'id', data: [1n], type: 'INT64' }] }),
  );
  server.files.set('/plain.parquet', { bytes });
  const objects = readerOf();
  const parquet = makeFileSession([at('/plain.parquet')], objects, makeParquetFormat(objects));
  await expect(parquet.describe('plain.parquet')).rejects.toMatchObject({
    code: 'generation-unknown',
    message: expect.stringContaining(at('/plain.parquet')),
    remedy: expect.stringContaining('Upload the file, or have the server send an ETag'),
  });
});

test.each([
  ['three times', ['/1', '/2', '/3', '/end.csv'], null],
  ['four times', ['/1', '/2', '/3', '/4', '/end.csv'], 'redirect-refused'],
  ['to plain http', ['/1', 'http://localhost/end.csv'], 'redirect-refused'],
  ['to the metadata service', ['/1', 'https://169.254.169.254/token'], 'host-refused'],
  ['to a name inside', ['/1', 'https://inside.example/x.csv'], 'host-refused'],
])('a redirect %s', async (_, path, code) => {
  const places = path.filter((place) => place.startsWith('/'));
  path.slice(1).forEach((location, index) => server.files.set(path[index]!, { bytes: new Uint8Array(0), status: 302, location })); // prettier-ignore
  if (places.length === path.length)
    server.files.set('/end.csv', { bytes: Buffer.from('id\n1\n'), etag: '"x"' });
  const found = readerOf().stat(at('/1'));
  if (code === null) expect(await found).toMatchObject({ uri: at('/1'), bytes: 5 });
  else await expect(found).rejects.toMatchObject({ code });
});

test.each([
  ['is not allowed', '10.0.0.0/8', {}, {}, 'host-refused'],
  ['needs a sign-in', '127.0.0.1', { status: 403 }, {}, 'object-forbidden'],
  ['is overloaded', '127.0.0.1', { status: 503 }, {}, 'source-unreachable'],
  ['holds a file that is too long', '127.0.0.1', {}, { maxBytes: 3 }, 'file-too-long'],
  ['proves itself with a certificate of its own', '127.0.0.1', {}, { ca: '' }, 'tls-untrusted'],
] as const)('a server that %s', async (_, allowed, file, options, code) => {
  server.files.set('/f.csv', { bytes: Buffer.from('id\n1\n'), etag: '"a"', ...file });
  const failure = readerOf(allowed, options).stat(at('/f.csv'));
  await expect(failure).rejects.toMatchObject({ code, remedy: expect.any(String) });
});

test('a server that falls silent fails, and a file that is gone is none', async () => {
  server.files.set('/f.csv', { bytes: Buffer.from('id\n1\n2\n'), etag: '"a"', silentAfter: 3 });
  const objects = readerOf('127.0.0.1', { silenceMs: 200 });
  const read = async () => {
    for await (const _ of objects.open(at('/f.csv'), '"a"||7')) continue;
  };
  await expect(read()).rejects.toMatchObject({ code: 'source-unreachable', message: expect.stringContaining('silent') }); // prettier-ignore
  expect(await objects.stat(at('/gone.csv'))).toBeNull();
});

test('a server that is busy for ever is given up', async () => {
  server.files.set('/f.csv', { bytes: new Uint8Array(0), busy: true });
  await expect(readerOf('127.0.0.1', { headersMs: 300 }).stat(at('/f.csv'))).rejects.toMatchObject({
    code: 'source-unreachable',
    message: `The server of ${at('/f.csv')} had not begun to send the file after 0.3 s.`,
  });
});

test('who waits for an answer, or for more of it, can be told to stop', async () => {
  const reason = new Error('cancelled');
  const waiting = new AbortController();
  server.files.set('/f.csv', { bytes: new Uint8Array(0), busy: true });
  const abortOnceAsked = async (): Promise<void> => {
    while (server.asked.length === 0) await setImmediate();
    waiting.abort(reason);
  };
  const found = readerOf('127.0.0.1', { signal: waiting.signal }).stat(at('/f.csv'));
  void abortOnceAsked();
  await expect(found).rejects.toBe(reason);

  const reading = new AbortController();
  server.files.set('/f.csv', { bytes: Buffer.from('id\n1\n2\n'), etag: '"a"', silentAfter: 3 });
  const objects = readerOf('127.0.0.1', { signal: reading.signal });
  const read = async () => {
    for await (const _ of objects.open(at('/f.csv'), '"a"||7')) reading.abort(reason);
  };
  await expect(read()).rejects.toBe(reason);
});

test('what ends a session or a connection test ends its wait for a server', async () => {
  const silent = createServer();
  await once(silent.listen(0, '127.0.0.1'), 'listening');
  const { port } = silent.address() as AddressInfo; // it listens to a port
  const uris = [`https://localhost:${port}/f.csv`];
  const access: SourceAccess = { settings: { kind: 'csv', uris, encoding: 'utf-8' }, credentials: null };
  const reason = new Error('cancelled');
  const abortOnceAsked = (): AbortController => {
    const controller = new AbortController();
    silent.once('connection', (socket) => {
      socket.on('error', () => undefined).resume();
      controller.abort(reason);
    });
    return controller;
  };
  try {
    const { signal } = abortOnceAsked();
    const session = await csvConnector.connect(access, makeTestContext(), signal);
    await expect(session.openSnapshot()).rejects.toBe(reason);

    const { signal: limit } = abortOnceAsked();
    const steps: string[] = [];
    const tested = async () => {
      for await (const { name } of csvConnector.test(access, makeTestContext(), limit)) steps.push(name);
    };
    await expect(tested()).rejects.toBe(reason);
    expect(steps).toEqual(['resolve']);
  } finally {
    silent.close();
  }
});
