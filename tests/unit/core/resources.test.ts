import { Cleaning, compareDatasets, type DatasetDefinition } from '#core/dataset';
import { differences } from '#core/differences';
import { follow } from '#core/life-cycle';
import { modelCycle, statusWith } from '#core/model';
import { GRACE_DAYS, graceEndedBefore } from '#core/resource';
import { objectsOf, readTheSame, signInPlace, SourceSettings } from '#core/source';
import { versionCycle, VersionStatus } from '#core/version';

test('differences are named by path; what one side has not is null; lists count as a whole', () => {
  expect(differences({ a: 1, b: { c: [1, 2], d: null } }, { a: 1, b: { c: [2, 1] }, e: 'x' })).toEqual([
    { path: 'b.c', left: [1, 2], right: [2, 1] },
    { path: 'e', left: null, right: 'x' },
  ]);
  expect(differences({ a: undefined }, { a: null })).toEqual([]);
});

test('data sets differ in what they say, not in how it is written down', () => {
  const column = (table: string, name: string) => ({ table, column: name });
  const one: DatasetDefinition = {
    name: 'One',
    tables: [
      { alias: 'lines', destination: 'shop__lines' },
      { alias: 'items', destination: 'shop__items' },
    ],
    joins: [{ left: column('lines', 'sku'), right: column('items', 'id') }],
    roles: {
      customer: column('lines', 'customer'),
      item: column('lines', 'sku'),
      time: column('lines', 'placed'),
    },
    cleaning: Cleaning.parse({ excludeItems: ['FREIGHT', 'POST'] }),
  };
  const turned: DatasetDefinition = {
    ...one,
    name: 'Two',
    tables: [...one.tables].reverse(),
    joins: [{ left: column('items', 'id'), right: column('lines', 'sku') }],
    cleaning: { ...one.cleaning, excludeItems: ['POST', 'FREIGHT'] },
  };
  expect(compareDatasets(one, turned)).toEqual([]);
  const other = { ...turned, joins: [], roles: { ...one.roles, order: column('lines', 'order_no') } };
  expect(compareDatasets(one, other)).toEqual([
    { path: 'joins.items.id = lines.sku', left: true, right: null },
    { path: 'roles.order', left: null, right: 'lines.order_no' },
  ]);
});

test('credentials are for a host, port, database and user; data is the same in one database or one file', () => {
  const shop: SourceSettings = {
    kind: 'postgres',
    host: 'db.example.com',
    port: 5432,
    database: 'shop',
    user: 'reader',
    sslMode: 'prefer',
  };
  const csv = (...uris: string[]): SourceSettings => ({ kind: 'csv', uris, encoding: 'utf-8' });
  for (const same of [{ sslMode: 'require' as const }, { host: 'DB.example.com' }, { ca: 'x' }])
    expect(signInPlace({ ...shop, ...same })).toBe(signInPlace(shop));
  for (const other of [{ host: 'db.example.org' }, { port: 5433 }, { database: 'x' }, { user: 'x' }])
    expect(signInPlace({ ...shop, ...other })).not.toBe(signInPlace(shop));
  // Names that could be cut at other places are other places.
  expect(signInPlace({ ...shop, database: 'a","b', user: 'c' })).not.toBe(
    signInPlace({ ...shop, database: 'a', user: 'b","c' }),
  );
  const tunnel = { host: 'bastion.example.com', port: 22, user: 'tw', hostKey: null };
  const behind = { ...shop, tunnel };
  expect(signInPlace(behind)).not.toBe(signInPlace(shop));
  expect(signInPlace({ ...shop, tunnel: { ...tunnel, user: 'x' } })).not.toBe(signInPlace(behind));
  // Confirming the key is no other place.
  expect(signInPlace({ ...shop, tunnel: { ...tunnel, hostKey: 'SHA256:x' } })).toBe(signInPlace(behind));
  expect(readTheSame(shop, behind)).toBe(false);
  expect(signInPlace(csv('gs://b/x.csv'))).toBeNull();
  expect(readTheSame(shop, { ...shop, user: 'other' })).toBe(true);
  expect(readTheSame(shop, { ...shop, database: 'other' })).toBe(false);
  expect(readTheSame(shop, { ...shop, port: 5433 })).toBe(false);
  const instance = {
    ...shop,
    host: 'acme-shop:europe-west1:orders',
    cloudSql: { address: 'public' },
  } as const;
  expect(readTheSame(instance, { ...instance, port: 5433, cloudSql: { address: 'private' } })).toBe(true);
  expect(readTheSame(csv('gs://b/x', 'gs://b/y'), csv('gs://b/y'))).toBe(true);
  expect(readTheSame(csv('gs://b/x'), shop)).toBe(false);
});

test('addresses of files: objects, patterns and public web addresses, without keys in them', () => {
  const accepted = (uri: string) => SourceSettings.safeParse({ kind: 'parquet', uris: [uri] }).success;
  for (const uri of ['gs://bucket/a b/*.parquet', 'gs://bucket/**', 'https://example.com/a.csv?format=csv'])
    expect([uri, accepted(uri)]).toEqual([uri, true]);
  for (const uri of [
    'http://example.com/a.csv',
    'https://user:password@example.com/a.csv',
    'https://example.com',
    'gs://bucket',
    's3://bucket/a.csv',
    'https://example.com/a.csv?X-Amz-Signature=1',
    'https://example.com/a.csv?sv=2024&sig=abc',
    'https://example.com/a.csv?token=1',
  ])
    expect([uri, accepted(uri)]).toEqual([uri, false]);
  const mixed: SourceSettings = { kind: 'parquet', uris: ['gs://b/x', 'https://example.com/x'] };
  expect(objectsOf(mixed)).toEqual(['gs://b/x']);
  expect(readTheSame(mixed, { kind: 'parquet', uris: ['https://example.com/x'] })).toBe(true);
});

test('an archived model stays so, whatever begins or stops to answer; a draft is active while something does', () => {
  expect(statusWith('draft', 'd1234')).toBe('active');
  expect(statusWith('active', 'd1234')).toBe('active');
  expect(statusWith('active', null)).toBe('draft');
  expect([statusWith('archived', 'd1234'), statusWith('archived', null)]).toEqual(['archived', 'archived']);
  expect(follow(modelCycle, 'archived', 'unarchive')).toBe('draft');
});

test('nothing leads from the archive straight to an approved version', () => {
  for (const event of ['approve', 'archive', 'unarchive'] as const)
    expect(follow(versionCycle, 'archived', event)).not.toBe('approved');
  const reached = VersionStatus.options.map((status) => follow(versionCycle, status, 'approve'));
  expect(reached).toEqual(['approved', null, null]);
});

test('what was deleted can be restored for the days of grace', () => {
  const now = Date.UTC(2026, 5, 30);
  const deleted = (days: number) => new Date(now - days * 86_400_000).toISOString();
  expect(deleted(GRACE_DAYS - 1) > graceEndedBefore(now)).toBe(true);
  expect(deleted(GRACE_DAYS) > graceEndedBefore(now)).toBe(false);
});
