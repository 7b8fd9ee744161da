import type { DocumentData } from '@google-cloud/firestore';
import type { Database } from '#cloud/firestore';
import { TransientError } from '#core/errors';
import { burstOf, checkQuota, limitsOf, PLAN_LIMITS } from '#core/limits';
import { openRateLimiter } from '#store/rate-limit';
import type { Store } from '#store/store';

/** A store whose Firestore does what `db` does; of the rest nothing is asked. */
function storeWith(db: Partial<Database>, at = { now: 0 }): Store {
  const store: Partial<Store> = { clock: () => at.now, random: (n) => new Uint8Array(n) };
  // The limiter asks for nothing else.
  return { ...store, db: { get: () => Promise.resolve(null), ...db } } as Store;
}
const taking = { who: 't1234', tenant: 't1234', bucket: 'read' as const, limit: 50 };
const AWAY = new TransientError('database-unavailable', 'Firestore did not answer.');

/** A Firestore of one document. */
function oneDocument() {
  const kept: { data: DocumentData | null; writes: number } = { data: null, writes: 0 };
  const db: Pick<Database, 'get' | 'commit'> = {
    get: (path) =>
      Promise.resolve(
        kept.data === null ? null : { path, id: path, data: kept.data, version: `${kept.writes}` },
      ),
    commit: ([write]) => {
      kept.data = write !== undefined && 'data' in write ? write.data : null;
      kept.writes += 1;
      return Promise.resolve();
    },
  };
  return { kept, db };
}

test('calls that come all the time pass as they flow in: a burst, then the limit’s share of every second', async () => {
  const { kept, db } = oneDocument();
  const at = { now: 0 };
  const limiter = openRateLimiter(storeWith(db, at));
  const wide = { ...taking, limit: 1200 };
  const bySecond: number[] = [];
  for (; at.now < 61_000; at.now += 5) {
    const second = Math.floor(at.now / 1000);
    bySecond[second] ??= 0;
    if ((await limiter.take(wide)).allowed) bySecond[second] += 1;
  }
  const [first = 0, ...others] = bySecond;
  expect(first).toBeGreaterThanOrEqual(burstOf(1200) - 2);
  expect(first).toBeLessThanOrEqual(burstOf(1200) + 20);
  const sum = others.reduce((total, n) => total + n, 0);
  expect(sum).toBeGreaterThan(1150);
  // What had flowed in by the end of the first second comes in the second.
  expect(sum).toBeLessThanOrEqual(1220);
  expect(Math.max(...others)).toBeLessThanOrEqual(40);
  // A write a second, and those of the first burst.
  expect(kept.writes).toBeLessThan(75);
});

test('who is refused hears when to come again, and asks nobody until then', async () => {
  const { db } = oneDocument();
  const at = { now: 0 };
  const limiter = openRateLimiter(storeWith(db, at));
  const few = { ...taking, bucket: 'trigger' as const, limit: 3 };
  for (const remaining of [2, 1, 0])
    expect(await limiter.take(few)).toMatchObject({ allowed: true, remaining });
  expect(await limiter.take(few)).toEqual({ allowed: false, limit: 3, remaining: 0, resetSeconds: 20 });
  at.now = 12_500;
  expect(await limiter.take(few)).toMatchObject({ allowed: false, resetSeconds: 8 });
  at.now = 20_000;
  expect(await limiter.take(few)).toEqual({ allowed: true, limit: 3, remaining: 0, resetSeconds: 60 });
});

test('what was borrowed and not needed is lost: it is no second burst later', async () => {
  const { db } = oneDocument();
  const at = { now: 0 };
  const limiter = openRateLimiter(storeWith(db, at));
  await limiter.take(taking);
  at.now = 60_000;
  let passed = 0;
  while ((await limiter.take(taking)).allowed) passed += 1;
  expect(passed).toBe(burstOf(50));
});

test('where Firestore is away calls pass, no more than if nobody else were there, and none fails', async () => {
  let asked = 0;
  const at = { now: 0 };
  const away = () => {
    asked += 1;
    return Promise.reject(AWAY);
  };
  const limiter = openRateLimiter(storeWith({ commit: away }, at));
  const allowances = [];
  for (let turn = 0; turn < 60; turn++) allowances.push(await limiter.take(taking));
  expect(allowances.filter(({ allowed }) => allowed)).toHaveLength(burstOf(50));
  // It is left alone for a while, rather than asked by every call.
  expect(asked).toBe(1);
});

test('what went on credit is missing once Firestore answers again', async () => {
  const { kept, db } = oneDocument();
  const at = { now: 0 };
  let away = true;
  const get: Database['get'] = (path) => (away ? Promise.reject(AWAY) : db.get(path));
  const limiter = openRateLimiter(storeWith({ ...db, get }, at));
  for (let turn = 0; turn < 28; turn++) await limiter.take(taking);
  away = false;
  at.now = 5_000;
  expect(await limiter.take(taking)).toMatchObject({ allowed: true });
  // Of 30, 28 went; about 4 have flowed in, and 4 were borrowed.
  expect(Number(kept.data?.['calls'])).toBeCloseTo(30 - 28 + (5 * 50) / 60 - 4);
});

test('where Firestore is silent calls do not wait for it for ever', async () => {
  const limiter = openRateLimiter(storeWith({ commit: () => new Promise(() => undefined) }));
  expect(await limiter.take(taking)).toMatchObject({ allowed: true });
  expect(await limiter.take(taking)).toMatchObject({ allowed: true });
});

test('many calls at the same moment borrow once', async () => {
  const writes: unknown[] = [];
  const limiter = openRateLimiter(storeWith({ commit: async (batch) => void writes.push(...batch) }));
  const wide = { ...taking, limit: 1000 };
  const allowances = await Promise.all(Array.from({ length: 4 }, () => limiter.take(wide)));
  expect(allowances.every(({ allowed }) => allowed)).toBe(true);
  expect(writes).toHaveLength(1);
});

test('a limit of nothing lets nothing pass, and asks nobody', async () => {
  const limiter = openRateLimiter(storeWith({ get: () => Promise.reject(new Error('asked')) }));
  expect(await limiter.take({ ...taking, limit: 0 })).toMatchObject({ allowed: false, remaining: 0 });
});

test('a tenant’s own limits go before its plan’s; what is no limit is ignored', () => {
  expect(limitsOf({ plan: 'trial' })).toEqual(PLAN_LIMITS.trial);
  const limits = limitsOf({ plan: 'standard', limits: { trigger: 5, nonsense: 1, constructor: 2 } });
  expect(limits).toEqual({ ...PLAN_LIMITS.standard, trigger: 5 });
});

test('one more than a quota allows is refused, with what to do', () => {
  const tenant = { plan: 'trial' as const, limits: { models: 2 } };
  expect(() => checkQuota(tenant, 'models', 1)).not.toThrow();
  expect(() => checkQuota(tenant, 'models', 2)).toThrow('The tenant has 2 models; its plan allows 2.');
});
