import { freshTenant, openTestStore } from '#tests/store';
import {
  acquireLease,
  commitFenced,
  LEASE_SECONDS,
  LeaseLostError,
  releaseLease,
  withLease,
} from '#store/lease';

const store = openTestStore();
afterAll(() => store.db.close());
afterEach(() => {
  store.ahead = 0;
});
const somewhere = () => `tenants/${freshTenant()}/models/m/etlRuns/r/lease/work`;

test('of twenty contenders one gets the lease, round after round', async () => {
  for (let round = 0; round < 10; round++) {
    const path = somewhere();
    const won = await Promise.all(
      Array.from({ length: 20 }, (_, i) => acquireLease(store, path, `holder-${i}`)),
    );
    expect(won.filter((lease) => lease !== null)).toHaveLength(1);
  }
});

test('a dead holder is succeeded when its lease runs out, by a higher fence', async () => {
  const path = somewhere();
  const first = await acquireLease(store, path, 'first');
  expect(await acquireLease(store, path, 'second')).toBeNull();
  store.ahead = (LEASE_SECONDS + 1) * 1000;
  const second = await acquireLease(store, path, 'second');
  expect(second?.fence).toBeGreaterThan(first?.fence ?? 0);
});

test('a holder that slept through its lease commits nothing', async () => {
  const path = somewhere();
  const target = path.replace('/lease/work', '/tables/x');
  const sleeper = await acquireLease(store, path, 'sleeper');
  store.ahead = (LEASE_SECONDS + 1) * 1000;
  await acquireLease(store, path, 'successor');
  await expect(
    commitFenced(store, sleeper ?? { path, holder: '', fence: 0 }, [
      { kind: 'create', path: target, data: { by: 'sleeper' } },
    ]),
  ).rejects.toThrow(LeaseLostError);
  expect(await store.db.get(target)).toBeNull();
});

test('a released lease is free at once, and releasing a lost one harms nobody', async () => {
  const path = somewhere();
  const first = await acquireLease(store, path, 'first');
  if (first === null) throw new Error('not acquired');
  await releaseLease(store, first);
  const second = await acquireLease(store, path, 'second');
  expect(second).not.toBeNull();
  await releaseLease(store, first);
  expect(await acquireLease(store, path, 'third')).toBeNull();
});

test('work under a lease is told when the lease is lost', async () => {
  const path = somewhere();
  const outer = new AbortController();
  const result = await withLease(store, path, 'first', outer.signal, async (_lease, signal) => {
    outer.abort(new Error('stop'));
    return signal.aborted;
  });
  expect(result).toBe(true);
  expect(await withLease(store, path, 'second', new AbortController().signal, async () => 'free again')).toBe(
    'free again',
  );
});
