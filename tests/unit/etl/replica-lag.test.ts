import type { SourceSession } from '#connectors/connector';
import { Source } from '#core/source';
import { makeLagWatch, MOST_WAIT_SECONDS, planLagWait } from '../../../functions/etl/replica-lag.ts';

const at = '2026-01-01T00:00:00.000Z';
function sourceWith(settings: object): Source {
  const place = { kind: 'postgres', host: 'h', port: 5432, database: 'd', user: 'u', sslMode: 'prefer' };
  return Source.parse({
    id: 'sabcdefgh',
    name: 'Orders',
    settings: { ...place, ...settings },
    credentialsSetAt: null,
    enabled: true,
    createdAt: at,
    updatedAt: at,
    deletedAt: null,
  });
}

/** A watch whose waiting takes no time, over a session that tells `lags` one after the other, then the last again. */
function watched(lags: readonly (number | null)[]) {
  const slept: number[] = [];
  const told: [number, number][] = [];
  const said: string[] = [];
  let asked = 0;
  const log = { debug: () => undefined, info: () => undefined, warn: (text: string) => void said.push(text), error: () => undefined }; // prettier-ignore
  const waited = async (_: Source, seconds: number, lag: number) => void told.push([seconds, lag]);
  const uses = { take: async () => null, wait: never, waited, close: async () => undefined };
  const watch = makeLagWatch({ log, uses }, async (milliseconds) => void slept.push(milliseconds / 1000));
  const session: Pick<SourceSession, 'replicaLag'> = {
    replicaLag: async () => lags[Math.min(asked++, lags.length - 1)] ?? null,
  };
  return { watch, session, slept, told, said, asked: () => asked };
}
async function never(): Promise<{ free(): Promise<void> }> {
  throw new Error('no seat is asked for');
}
const signal = new AbortController().signal;

test('waits grow to a minute and end after ten; who is near enough, no replica, or not to be waited for goes on', () => {
  const none = { times: 0, seconds: 0 };
  expect([0, 1, 2, 3, 4, 5].map((times) => planLagWait(900, 300, { times, seconds: 0 }))).toEqual([
    5, 10, 20, 40, 60, 60,
  ]);
  expect(planLagWait(900, 300, { times: 9, seconds: MOST_WAIT_SECONDS - 7 })).toBe(7);
  expect(planLagWait(900, 300, { times: 9, seconds: MOST_WAIT_SECONDS })).toBe(0);
  expect(planLagWait(300, 300, none)).toBe(0);
  expect(planLagWait(null, 300, none)).toBe(0);
  expect(planLagWait(1e9, null, none)).toBe(0);
});

test('a replica that catches up is read on, and how long that took is told', async () => {
  const { watch, session, slept, told, said } = watched([400, 350.4, 20]);
  await watch.ready(sourceWith({}), session, signal);
  expect(slept).toEqual([5, 10]);
  expect(told).toEqual([
    [5, 400],
    [10, 350],
  ]);
  expect(said).toEqual(Array.from({ length: 2 }, () => 'a replica is behind; the load waits for it'));
});

test('one that stays behind is read all the same after ten minutes, and not waited for again', async () => {
  const { watch, session, slept, said, asked } = watched([4000]);
  const source = sourceWith({ maxLagSeconds: 60 });
  await watch.ready(source, session, signal);
  expect(slept.reduce((sum, seconds) => sum + seconds)).toBe(MOST_WAIT_SECONDS);
  expect(said.at(-1)).toBe('a replica is still behind; the load reads on all the same');
  const before = asked();
  await watch.ready(source, session, signal);
  expect([asked(), slept.length]).toEqual([before, slept.length]);
});

test('where the source says so nobody asks', async () => {
  const { watch, session, asked } = watched([4000]);
  await watch.ready(sourceWith({ maxLagSeconds: null }), session, signal);
  await watch.ready(sourceWith({}), {}, signal);
  expect(asked()).toBe(0);
});
