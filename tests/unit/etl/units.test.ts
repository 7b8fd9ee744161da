import { ConflictError, type Database, type Snapshot, type Write } from '#cloud/firestore';
import type { Store } from '#store/store';
import { unitRecord } from '#tests/unit-record';
import { UnitRecord } from '../../../functions/etl/records.ts';
import { settleDone } from '../../../functions/etl/units.ts';

const path = 'tenants/tabc/models/mabc/etlRuns/rabc/units/u1';
const key = { tenant: 'tabc', model: 'mabc', run: 'rabc' };
const result = {
  uri: 'gs://b/u1.parquet',
  rejectsUri: null,
  asItIs: false,
  seconds: 1,
  tally: null,
  rejected: {},
};

/** One claimed unit in a database whose answers are lost: what is written is written, and reads as a conflict. */
function oneUnit(
  holder: string,
  status: UnitRecord['status'] = 'claimed',
): { store: Store; record: UnitRecord } {
  let version = 1;
  const claimed = { table: 's1234', source: 's5678', status, holder, attempts: 1 };
  let data: Snapshot['data'] = { ...unitRecord(claimed) };
  const db: Pick<Database, 'get' | 'commit'> = {
    get: async () => ({ path, id: 'u1', data: { ...data }, version: String(version) }),
    async commit(writes: readonly Write[]) {
      for (const write of writes) if (write.kind === 'update') data = { ...data, ...write.data };
      version++;
      throw new ConflictError('conflict', 'changed meanwhile');
    },
  };
  // Only these two methods of the database are used here.
  return { store: { db, clock: Date.now } as unknown as Store, record: UnitRecord.parse(data) };
}

test('a unit whose answer was lost is done, and its file is kept; one that somebody else holds is not', async () => {
  const { store, record } = oneUnit('me');
  const unit = { path, record };
  expect(await settleDone({ store, key, holder: 'me' }, unit, result)).toBe(true);
  const other = oneUnit('another');
  expect(await settleDone({ store: other.store, key, holder: 'me' }, unit, result)).toBe(false);
  const theirs = oneUnit('another', 'done');
  expect(await settleDone({ store: theirs.store, key, holder: 'me' }, unit, result)).toBe(false);
});
