import { SourceSettings } from '#core/source';
import { connectionLimit, readerLimit } from '#core/source-limits';
import { connectors } from '#connectors/registry';
import { checkConnections } from '../../../functions/etl/preflight-checks.ts';
import { withoutSeat, withSeat } from '../../../functions/etl/source-use.ts';

const empty = { most: 2, seats: {}, peak: 0, waitedSeconds: 0, lagSeconds: null };

test('there are as many seats as the source allows; one that is not renewed is free again', () => {
  const one = withSeat(empty, '0:a:1', 0);
  const two = one && withSeat(one, '1:b:1', 5000);
  if (!two) throw new Error('no seat');
  expect(two).toEqual({ ...empty, seats: { '0:a:1': 30_000, '1:b:1': 35_000 }, peak: 2 });
  expect(withSeat(two, '2:c:1', 6000)).toBeNull();
  // Renewed.
  expect(withSeat(two, '1:b:1', 20_000)?.seats).toEqual({ '0:a:1': 30_000, '1:b:1': 50_000 });
  expect(withSeat(withoutSeat(two, '1:b:1', 6000), '2:c:1', 6000)?.seats).toHaveProperty('2:c:1');
  expect(withSeat(two, '2:c:1', 30_001)?.seats).toEqual({ '1:b:1': 35_000, '2:c:1': 60_001 });
});

test('who coordinates a run finds the seats of who did before free at once, and no others', () => {
  const full = { ...empty, seats: { '0:dead:1': 30_000, '1:b:1': 30_000 }, peak: 2 };
  expect(withSeat(full, '0:alive:1', 1000)?.seats).toEqual({ '1:b:1': 30_000, '0:alive:1': 31_000 });
  expect(withSeat(full, '2:c:1', 1000)).toBeNull();
  // Its own connection that holds the snapshot is none of them.
  expect(withSeat(full, '0:dead:2', 1000)).toBeNull();
});

const place = { host: 'h', database: 'd', user: 'u' };
const settings = (kind: string, more: object = {}) => SourceSettings.parse({ kind, ...place, ...more });

test('the one connection of a snapshot that cannot be shared is all there is; files and BigQuery have none', () => {
  const limits = (one: SourceSettings) => [connectionLimit(one), readerLimit(one)];
  expect(limits(settings('postgres'))).toEqual([9, 8]);
  expect(limits(settings('postgres', { maxConnections: 3 }))).toEqual([3, 2]);
  expect(limits(settings('mysql'))).toEqual([1, 0]);
  expect(limits(settings('sqlserver'))).toEqual([1, 0]);
  expect(limits({ kind: 'bigquery', project: 'p', dataset: 'd' })).toEqual([null, null]);
  for (const kind of ['postgres', 'mysql', 'sqlserver'] as const)
    expect(readerLimit(settings(kind)) === 0).toBe(!connectors[kind].capabilities.sharedSnapshot);
});

test('a load that takes more connections than the server lets the user hold is told beforehand', () => {
  const at = '2026-01-01T00:00:00.000Z';
  const source = (more: object = {}) => ({
    id: 'sabcdefgh', name: 'Orders', settings: settings('postgres', more), credentialsSetAt: null,
    enabled: true, createdAt: at, updatedAt: at, deletedAt: null,
  }); // prettier-ignore
  const [fine] = checkConnections(source(), null, 3);
  expect(fine).toMatchObject({ ok: true, message: 'A load holds 4 of at most 9 connections to "Orders".' });
  const [few] = checkConnections(source(), 3, 8);
  expect(few).toMatchObject({
    ok: false,
    message: 'A load would hold 9 connections to "Orders", whose server lets this user hold 3.',
    remedy: expect.stringContaining('(maxConnections) to 3'),
  });
  expect(checkConnections(source({ maxConnections: 3 }), 3, 8)[0]?.ok).toBe(true);
  expect(checkConnections(source(), 1, 1)[0]?.remedy).toContain('at least two');
});
