import { listEtlRejects } from '#core/api/etl';
import { gzipSync } from 'node:zlib';
import { createSource, createUpload, updateSourceTable } from '#core/api/sources';
import type { HashedColumn } from '#core/hashed-column';
import { type Account, openAccount, refusalOf } from '#tests/account';
import { useLocalCloud } from '#tests/local-cloud';
import { warehouseRows } from '#tests/raw-tables';

let account: Account;
beforeEach(async () => {
  account = await openAccount();
});

/** Uploads as a browser does: asks for an address, PUTs the bytes. */
async function upload(fileName: string, content: string | Uint8Array): Promise<string> {
  const bytes = Buffer.from(content);
  const place = await account.call(createUpload, {
    params: account.params,
    body: { fileName, bytes: bytes.length },
  });
  const answer = await fetch(place.url, { method: place.method, headers: place.headers, body: bytes });
  expect(answer.ok).toBe(true);
  return place.uri;
}

const csv = (...uris: string[]) => ({ kind: 'csv' as const, uris, encoding: 'utf-8' as const });

test('a file arrives with its types, quotes, umlauts and empty values; odd column names become plain', async () => {
  const uri = await upload(
    'Bestellungen 2026.csv',
    'Beleg-Nr.;Kunde;Menge;Preis;Datum;Größe (m²)\r\n' +
      'A-001;"Müller; Söhne";3;1.20;2026-01-02;\r\n' +
      'A-002;"sagt ""hallo""";-1;0.05;2026-01-03;2.5\r\n',
  );
  const { tables } = await account.addSource('Dateien', { ...csv(uri), delimiter: ';' });
  expect(tables).toMatchObject([{ enabled: true, mode: 'replace' }]);
  const run = await account.load();
  expect(run).toMatchObject({ status: 'succeeded', counts: { rows: 2, rejected: {} } });
  const destination = tables[0]?.destination ?? '';
  const rows = await warehouseRows(
    `SELECT Beleg_Nr, Kunde, Menge, CAST(Preis AS STRING) AS Preis, CAST(Datum AS STRING) AS Datum, CAST(Grosse_m2 AS STRING) AS g FROM ${account.raw}.${destination} ORDER BY Beleg_Nr`,
  );
  expect(rows).toEqual([
    { Beleg_Nr: 'A-001', Kunde: 'Müller; Söhne', Menge: 3, Preis: '1.2', Datum: '2026-01-02', g: null },
    { Beleg_Nr: 'A-002', Kunde: 'sagt "hallo"', Menge: -1, Preis: '0.05', Datum: '2026-01-03', g: '2.5' },
  ]);
});

test('dirty lines are left out, counted by reason and kept; past the limit the table fails with the remedy', async () => {
  // Types are inferred from the first 200,000 records; what comes later has to fit.
  const clean = Array.from({ length: 200_000 }, (_, n) => `${n},${n % 50}`);
  const lines = ['id,qty', ...clean, 'x1,7', '200000,lots', '200001,7,surplus', '200002,9'];
  const uri = await upload('orders.csv.gz', gzipSync(`${lines.join('\n')}\n`));
  const { tables } = await account.addSource('Files', csv(uri));
  const table = tables[0];
  if (table === undefined) throw new Error('no table');
  const destination = `${account.raw}.${table.destination}`;

  const first = await account.load();
  expect(first).toMatchObject({ status: 'succeeded', counts: { rows: 200_001 } });
  expect(Object.values(first.counts.rejected).reduce((a, b) => a + b, 0)).toBe(3);
  const rejects = `SELECT line, column_name, value FROM ${account.raw}._rejects WHERE run = '${first.id}' ORDER BY line`;
  expect(await warehouseRows(rejects)).toMatchObject([
    { line: 200_002, column_name: 'id', value: 'x1' },
    { line: 200_003, column_name: 'qty', value: 'lots' },
    { line: 200_004, column_name: null },
  ]);

  // The same through the API: counted by reason, page by page, by reason alone.
  const params = { ...account.params, run: first.id, table: table.id };
  const page = await account.call(listEtlRejects, { params, query: { limit: 2 } });
  expect(page).toMatchObject({ counts: first.counts.rejected, values: true, next: 2 });
  const rest = await account.call(listEtlRejects, { params, query: { limit: 2, offset: 2 } });
  expect(rest.next).toBeNull();
  const rejectedRows = [...page.items, ...rest.items];
  expect(new Set(rejectedRows.map(({ line }) => line))).toEqual(new Set([200_002, 200_003, 200_004]));
  const lots = rejectedRows.find(({ value }) => value === 'lots');
  expect(lots).toMatchObject({ line: 200_003, column: 'qty', message: expect.any(String) });
  const alone = await account.call(listEtlRejects, { params, query: { reason: 'field-count' } });
  expect(alone.items.map(({ line }) => line)).toEqual([200_004]);
  // Of a table with columns to be hashed no value is shown any more, whenever it was kept.
  const choose = (hashed: HashedColumn[]) =>
    account.call(updateSourceTable, {
      params: { ...account.params, source: table.source, table: table.id },
      body: { hashed },
    });
  await choose([{ column: 'qty', form: 'exact' }]);
  const hidden = await account.call(listEtlRejects, { params, query: {} });
  expect(hidden.items.map(({ line }) => line)).toHaveLength(3);
  expect(hidden.items.every(({ value, message }) => value === null && message === null)).toBe(true);
  await choose([]);

  await account.choose(table, { rejectLimit: 0 });
  const second = await account.load();
  expect(second).toMatchObject({ status: 'failed', failure: { code: 'too-many-rejects' } });
  expect(second.failure?.message).toContain('3 of 200004 rows of "orders.csv.gz" were rejected');
  expect(second.failure?.remedy).toContain('_rejects');
  expect(second.perTable).toMatchObject([{ status: 'failed', counts: { rows: 200_001 } }]);
  // What was published before stays as it was, and the rejects of the failed run can be looked at.
  expect(await warehouseRows(`SELECT COUNT(*) AS n FROM ${destination}`)).toEqual([{ n: 200_001 }]);
  expect(await warehouseRows(rejects.replace(first.id, second.id))).toHaveLength(3);
});

test('append loads a file once; a new generation of it is loaded again', async () => {
  const uri = await upload('days.csv', 'day,n\n2026-01-01,1\n2026-01-02,2\n');
  const { tables } = await account.addSource('Days', csv(uri));
  const table = tables[0];
  if (table === undefined) throw new Error('no table');
  await account.choose(table, { mode: 'append' });
  const count = () =>
    warehouseRows(`SELECT COUNT(*) AS n, SUM(n) AS s FROM ${account.raw}.${table.destination}`);

  expect(await account.load()).toMatchObject({ status: 'succeeded', counts: { rows: 2 } });
  expect(await account.load()).toMatchObject({ status: 'succeeded', counts: { rows: 0 } });
  expect(await count()).toEqual([{ n: 2, s: 3 }]);

  const { env } = useLocalCloud();
  const [, bucket, name] = /^gs:\/\/([^/]+)\/(.+)$/.exec(uri) ?? [];
  const put = await fetch(
    `${env['STORAGE_EMULATOR_HOST']}/upload/storage/v1/b/${bucket}/o?uploadType=media&name=${encodeURIComponent(name ?? '')}`,
    { method: 'POST', headers: { 'content-type': 'text/csv' }, body: 'day,n\n2026-01-03,40\n' },
  );
  expect(put.ok).toBe(true);
  expect(await account.load()).toMatchObject({ status: 'succeeded', counts: { rows: 1 } });
  expect(await count()).toEqual([{ n: 3, s: 43 }]);
});

test('files of other tenants and files that are not there are refused by name', async () => {
  const own = await upload('a.csv', 'a\n1\n');
  const other = await openAccount();
  const stolen = await refusalOf(
    other.call(createSource, { params: other.params, body: { name: 'Theirs', settings: csv(own) } }),
  );
  expect(stolen).toMatchObject({ code: 'object-forbidden', detail: expect.stringContaining(own) });

  const missing = await refusalOf(account.addSource('Gone', csv(own.replace('a.csv', 'b.csv'))));
  expect(missing.detail).toContain('b.csv');
  expect(missing.remedy).not.toBeNull();
});

test('a bucket of a customer is read for the tenant that its label names, and for nobody else', async () => {
  const { env, projectId } = useLocalCloud();
  const storage = `${env['STORAGE_EMULATOR_HOST']}`;
  const bucket = `acme-exports-${account.params.tenant.toLowerCase()}`;
  const json = { 'content-type': 'application/json' };
  const label = (tenant: string) =>
    fetch(`${storage}/storage/v1/b/${bucket}`, {
      method: 'PATCH',
      headers: json,
      body: JSON.stringify({ labels: { 'tradewind-tenant': tenant } }),
    });
  await fetch(`${storage}/storage/v1/b?project=${projectId}`, {
    method: 'POST',
    headers: json,
    body: JSON.stringify({ name: bucket }),
  });
  await fetch(`${storage}/upload/storage/v1/b/${bucket}/o?uploadType=media&name=orders.csv`, {
    method: 'POST',
    headers: { 'content-type': 'text/csv' },
    body: 'id\n1\n2\n',
  });
  const uri = `gs://${bucket}/orders.csv`;
  const stranger = await openAccount();
  const adding = (who: Account) => who.addSource('Exports', csv(uri));
  expect(await refusalOf(adding(account))).toMatchObject({
    code: 'object-forbidden',
    detail: expect.stringContaining(uri),
    remedy: expect.stringContaining(`tradewind-tenant=${account.params.tenant}`),
  });

  expect((await label(account.params.tenant)).ok).toBe(true);
  const { source } = await adding(account);
  expect(await account.load()).toMatchObject({ status: 'succeeded', counts: { rows: 2 } });
  expect(await refusalOf(adding(stranger))).toMatchObject({ code: 'object-forbidden' });

  // Taken away from one tenant, it is not read for it any more.
  await label(stranger.params.tenant);
  expect(source.enabled).toBe(true);
  expect(await account.load()).toMatchObject({ status: 'failed', failure: { code: 'object-forbidden' } });
});

test('a file whose column changes its type fails with the column, both types and the remedy', async () => {
  const uri = await upload('prices.csv', 'sku,price\nA,1\nB,2\n');
  const { tables } = await account.addSource('Prices', csv(uri));
  await account.load();
  const { env } = useLocalCloud();
  const [, bucket, name] = /^gs:\/\/([^/]+)\/(.+)$/.exec(uri) ?? [];
  await fetch(
    `${env['STORAGE_EMULATOR_HOST']}/upload/storage/v1/b/${bucket}/o?uploadType=media&name=${encodeURIComponent(name ?? '')}`,
    { method: 'POST', headers: { 'content-type': 'text/csv' }, body: 'sku,price\nA,cheap\nB,dear\n' },
  );
  const run = await account.load();
  expect(run).toMatchObject({ status: 'failed', failure: { code: 'schema-changed' } });
  expect(run.failure?.message).toContain(
    '"price" was INT64, csv in the source and is STRING, csv in the source',
  );
  const kept = await warehouseRows(`SELECT SUM(price) AS s FROM ${account.raw}.${tables[0]?.destination}`);
  expect(kept).toEqual([{ s: 3 }]);
});
