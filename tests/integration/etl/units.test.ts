import { EtlRun } from '#core/etl-run';
import { paths } from '#core/paths';
import { Source } from '#core/source';
import { mustRead } from '#store/document';
import { freshTenant, openTestStore, type TestStore } from '#tests/store';
import { unitRecord } from '#tests/unit-record';
import { settledMark, unitId } from '../../../functions/etl/records.ts';
import { openSettledFeed } from '../../../functions/etl/settled-feed.ts';
import { openSourceUses } from '../../../functions/etl/source-use.ts';
import { claimUnit, giveBack, settleDone } from '../../../functions/etl/units.ts';

let store: TestStore;
let key: { tenant: string; model: string; run: string };
beforeEach(() => {
  store = openTestStore();
  key = { tenant: freshTenant(), model: 'm1', run: 'r1' };
});
afterEach(() => store.db.close());

async function addUnits(count: number, source = 'sabcdefgh', tableIndex = 0): Promise<string[]> {
  const places = Array.from({ length: count }, (_, n) =>
    paths.etlUnit(key.tenant, key.model, key.run, unitId(1, tableIndex, n)),
  );
  const record = (number: number) => unitRecord({ table: 'tabcdefgh', source, number });
  await store.db.commit(places.map((path, n) => ({ kind: 'set', path, data: record(n) })));
  return places;
}
const nothing = { uri: null, asItIs: false, seconds: null, rejectsUri: null, tally: null, rejected: {} };

test('a unit that failed rests before anybody takes it again, and does not stand before the others', async () => {
  const count = 12;
  await addUnits(count);
  const place = { store, key, holder: 'me' };
  for (let n = 0; n < count - 1; n++) {
    const unit = await claimUnit(place, 1);
    if (unit === null) throw new Error('nothing to claim');
    expect(unit.record.number).toBe(n);
    await giveBack(place, unit, 600);
  }
  expect((await claimUnit(place, 1))?.record.number).toBe(count - 1);
  expect(await claimUnit({ ...place, holder: 'other' }, 1)).toBeNull();
  store.ahead = 601_000;
  expect((await claimUnit({ ...place, holder: 'other' }, 1))?.record).toMatchObject({
    number: 0,
    attempts: 2,
  });
});

test('a unit settled late, with a mark that is long past, is seen all the same', async () => {
  const [, late] = await addUnits(2);
  const place = { store, key, holder: 'me' };
  const feed = openSettledFeed(place, 1);
  expect(await feed.next()).toEqual([]);
  const first = await claimUnit(place, 1);
  if (first === null || late === undefined) throw new Error('nothing to claim');
  await settleDone(place, first, nothing);
  expect((await feed.next()).map(({ record }) => record.number)).toEqual([0]);

  // Written by a task whose clock is a minute behind.
  const settled = settledMark(1, new Date(store.clock() - 60_000).toISOString());
  await store.db.commit([{ kind: 'update', path: late, data: { status: 'done', settled } }]);
  expect(await feed.next()).toEqual([]);
  store.ahead = 16_000;
  expect((await feed.next()).map(({ record }) => record.number)).toEqual([1]);
  store.ahead = 60_000;
  expect(await feed.next()).toEqual([]);
});

test('units of a source that has no room are left to others; those of another are found behind them', async () => {
  await addUnits(210);
  await addUnits(2, 'sother', 1);
  const place = { store, key, holder: 'me' };
  const asked: string[] = [];
  const only = {
    sources: ['sabcdefgh', 'sother'],
    async admit(source: string) {
      asked.push(source);
      return source === 'sother';
    },
  };
  expect((await claimUnit(place, 1, only))?.record).toMatchObject({ source: 'sother', number: 0 });
  // Once, however many units of it there are.
  expect(asked.filter((source) => source === 'sabcdefgh')).toHaveLength(1);
  expect((await claimUnit(place, 1, only))?.record).toMatchObject({ source: 'sother', number: 1 });
  expect(await claimUnit(place, 1, only)).toBeNull();
});

test('all tasks of a run together hold no more connections than the source allows, and the run shows them', async () => {
  const run = { id: 'r1234', status: 'extracting', requestedBy: 'u1', tables: 1, counts: { rows: 0, bytes: 0, rejected: {} }, failure: null, attempts: 1, executor: null, createdAt: '2026-01-01T00:00:00.000Z', startedAt: null, finishedAt: null }; // prettier-ignore
  const path = paths.etlRun(key.tenant, key.model, key.run);
  await store.db.commit([{ kind: 'set', path, data: EtlRun.parse(run) }]);
  const settings = { kind: 'postgres', host: 'h', database: 'd', user: 'u', maxConnections: 3 };
  const at = run.createdAt;
  const source = Source.parse({ id: 's1234567', name: 'Orders', settings, credentialsSetAt: null, enabled: true, createdAt: at, updatedAt: at, deletedAt: null }); // prettier-ignore
  const tasks = [0, 1, 2, 3, 4].map((task) => openSourceUses({ store, path, task, holder: `p${task}` }));
  const shown = async () => (await mustRead(store, path, EtlRun, 'run')).value.sources;
  try {
    const seats = await Promise.all(tasks.map((task) => task.take(source)));
    expect(seats.filter((seat) => seat !== null)).toHaveLength(3);
    const use = { name: 'Orders', most: 3, peak: 3, waitedSeconds: 0, lagSeconds: null };
    expect(await shown()).toEqual({ [source.id]: { ...use, held: 3 } });
    await seats.find((seat) => seat !== null)?.free();
    await tasks[1]?.waited(source, 5, 400);
    expect(await shown()).toEqual({ [source.id]: { ...use, held: 2, waitedSeconds: 5, lagSeconds: 400 } });
    const files = { ...source, settings: { kind: 'parquet' as const, uris: ['gs://b/x.parquet'] } };
    expect(await tasks[0]?.take(files)).not.toBeNull();
  } finally {
    await Promise.all(tasks.map((task) => task.close()));
  }
  expect(await shown()).toMatchObject({ [source.id]: { held: 0, peak: 3 } });
});
