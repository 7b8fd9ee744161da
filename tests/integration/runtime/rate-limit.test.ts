import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { burstOf } from '#core/limits';
import { openRateLimiter } from '#store/rate-limit';
import { freshTenant, openTestStore } from '#tests/store';
import { useLocalCloud } from '#tests/local-cloud';

const store = openTestStore();
afterAll(() => store.db.close());

const Said = z.object({ allowed: z.int(), writes: z.int() });
const now = Date.now();
const fixed = { ...store, clock: () => now };
// However busy the machine is, none goes on credit.
const patience = { read: 600_000, write: 600_000, trigger: 600_000 };
const run = promisify(execFile);

/** What four processes were allowed together at one moment, and the writes that cost. */
async function burst(tenant: string, bucket: string, limit: number, attempts: number) {
  const said = await Promise.all(
    Array.from({ length: 4 }, async () => {
      const { stdout } = await run(
        process.execPath,
        [
          '--no-warnings',
          join(import.meta.dirname, 'calling.ts'),
          ...[tenant, bucket, limit, attempts, now].map(String),
        ],
        { env: { ...process.env, ...useLocalCloud().env } },
      );
      return Said.parse(JSON.parse(stdout));
    }),
  );
  const sum = (of: 'allowed' | 'writes') => said.reduce((total, one) => total + one[of], 0);
  return { allowed: sum('allowed'), writes: sum('writes') };
}

test('four processes let as many pass together as one would, and write little for it', async () => {
  const tenant = freshTenant();
  const { allowed, writes } = await burst(tenant, 'read', 12_000, 1000);
  expect(allowed).toBe(burstOf(12_000));
  // Three large shares at least; the smaller ones at the start, and those who met another, come to that.
  expect(writes).toBeLessThan(100);
}, 240_000);

test('what costs money is counted one by one: nothing is lost, nothing is too much', async () => {
  const tenant = freshTenant();
  expect((await burst(tenant, 'trigger', 20, 20)).allowed).toBe(20);
}, 240_000);

test('another tenant has its own limit, and what has flowed in may pass', async () => {
  const [tenant, other] = [freshTenant(), freshTenant()];
  const limiter = openRateLimiter({ ...store, clock: () => now + store.ahead }, patience);
  const take = (who: string) => limiter.take({ who, tenant: who, bucket: 'trigger', limit: 3 });
  const three = [await take(tenant), await take(tenant), await take(tenant)];
  expect(three).toMatchObject([{ remaining: 2 }, { remaining: 1 }, { remaining: 0, allowed: true }]);
  store.ahead = 12_500;
  expect(await take(tenant)).toEqual({ allowed: false, limit: 3, remaining: 0, resetSeconds: 8 });
  expect(await take(other)).toMatchObject({ allowed: true });
  store.ahead = 60_000;
  expect(await take(tenant)).toMatchObject({ allowed: true, remaining: 2, resetSeconds: 20 });
});

test('what is not handed out in one process is not given away by another', async () => {
  const tenant = freshTenant();
  const [a, b] = [openRateLimiter(fixed, patience), openRateLimiter(fixed, patience)];
  const taking = { who: tenant, tenant, bucket: 'write' as const, limit: 100 };
  let allowed = 0;
  for (let turn = 0; turn < 120; turn++)
    for (const one of [a, b]) if ((await one.take(taking)).allowed) allowed += 1;
  expect(allowed).toBe(burstOf(100));
});
