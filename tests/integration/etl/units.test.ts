import { paths } from '#core/paths';
import { freshTenant, openTestStore, type TestStore } from '#tests/store';
import { settledMark, unitId, type UnitRecord } from '../../../functions/etl/records.ts';
import { openSettledFeed } from '../../../functions/etl/settled-feed.ts';
import { claimUnit, giveBack, settleDone } from '../../../functions/etl/units.ts';

let store: TestStore;
let key: { tenant: string; model: string; run: string };
beforeEach(() => {
  store = openTestStore();
  key = { tenant: freshTenant(), model: 'm1', run: 'r1' };
});
afterEach(() => store.db.close());

async function addUnits(count: number): Promise<string[]> {
  const places = Array.from({ length: count }, (_, n) =>
    paths.etlUnit(key.tenant, key.model, key.run, unitId(1, 0, n)),
  );
  const record = (number: number): UnitRecord => ({
    epoch: 1,
    table: 'tabcdefgh',
    source: 'sabcdefgh',
    number,
    unit: { id: `u${number}`, table: 'orders', part: {}, estimatedRows: null, estimatedBytes: null },
    keysOnly: false,
    status: 'pending',
    holder: null,
    expiresAt: 0,
    attempts: 0,
    notBefore: 0,
    settled: null,
    uri: null,
    rejectsUri: null,
    tally: null,
    rejected: {},
    failure: null,
  });
  await store.db.commit(places.map((path, n) => ({ kind: 'set', path, data: record(n) })));
  return places;
}
const nothing = { uri: null, rejectsUri: null, tally: null, rejected: {} };

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
