import { judge, type Kept, type Load } from '../../../scripts/bench/faults/guarantees.ts';
import { History, type Item } from '../../../scripts/bench/faults/history.ts';
import { isMisfit, MISFIT, seeing } from '../../../scripts/bench/faults/seen.ts';
import { planStories } from '../../../scripts/bench/faults/traits.ts';
import { killsTold, writeKind } from '../../../scripts/bench/faults/write-kinds.ts';

const item = (id: number, rev: number, more: Partial<Item> = {}): Item => ({
  id,
  name: `item ${id}`,
  qty: 1,
  price: '1.00',
  note: null,
  rev,
  ...more,
});
const kept = (one: Item, deleted = false): Kept => ({ item: one, deleted });

/** Rows 1 and 2; then 1 changes; then 2 goes and 3 comes. */
async function makeHistory(): Promise<History> {
  const history = new History();
  const done = () => Promise.resolve();
  await history.commit(new Map([[1, item(1, 1)], [2, item(2, 2)]]), done); // prettier-ignore
  await history.commit(new Map([[1, item(1, 3)]]), done);
  await history.commit(new Map([[2, null], [3, item(3, 4)]]), done); // prettier-ignore
  return history;
}

describe('what the fault run holds a load to', () => {
  let load: Load;
  beforeAll(async () => {
    load = {
      way: 'replace',
      history: await makeHistory(),
      rejects: () => false,
      again: null,
      pinned: true,
      from: 1,
      to: 3,
      published: true,
      before: [kept(item(1, 1)), kept(item(2, 2))],
      after: [],
      quiet: false,
    };
  });
  const wrong = (more: Partial<Load>) => judge({ ...load, ...more }).length > 0;

  test('replaced: the rows of one moment while it ran, each once', () => {
    const moment = [kept(item(1, 3)), kept(item(2, 2))];
    expect(wrong({ after: moment })).toBe(false);
    expect(wrong({ after: moment.toReversed() })).toBe(false);
    expect(wrong({ after: moment, from: 3 })).toBe(true);
    expect(wrong({ after: [...moment, ...moment] })).toBe(true);
    expect(wrong({ after: [kept(item(1, 3)), kept(item(3, 4))], to: 2 })).toBe(true);
    // Of two moments.
    expect(wrong({ after: [kept(item(1, 1)), kept(item(3, 4))] })).toBe(true);
    expect(wrong({ after: moment, quiet: true })).toBe(true);
  });

  test('what publishes nothing changes nothing', () => {
    expect(wrong({ published: false, after: load.before })).toBe(false);
    expect(wrong({ published: false, after: load.before.slice(1) })).toBe(true);
  });

  test('merged: keys once, nothing lost, older or made up; reading anew takes away what is gone, and nothing else', () => {
    const merged = [kept(item(1, 3)), kept(item(2, 2)), kept(item(3, 4))];
    for (const way of ['merge', 'merge-cursor'] as const) {
      expect(wrong({ way, after: merged })).toBe(false);
      expect(wrong({ way, after: merged.slice(1) })).toBe(true);
      expect(wrong({ way, after: [...merged, kept(item(3, 4))] })).toBe(true);
      expect(wrong({ way, after: [...merged, kept(item(4, 9))] })).toBe(true);
      expect(wrong({ way, after: merged, again: 'anew' })).toBe(true);
      expect(wrong({ way, after: [kept(item(1, 3)), kept(item(3, 4))], again: 'anew' })).toBe(false);
      // A row whose newest version is too young to be followed is not left out.
      expect(wrong({ way, after: [kept(item(3, 4))], again: 'anew' })).toBe(true);
    }
    expect(wrong({ way: 'merge-cursor', after: [kept(item(1, 1)), kept(item(2, 2))], before: merged })).toBe(true);
  }); // prettier-ignore

  test('marked: those that are gone and no others, at one moment', () => {
    const marked = [kept(item(1, 3)), kept(item(2, 2), true), kept(item(3, 4))];
    for (const way of ['merge-mark', 'merge-sweep'] as const) {
      expect(wrong({ way, after: marked })).toBe(false);
      expect(wrong({ way, after: marked.map((row) => ({ ...row, deleted: false })) })).toBe(true);
      expect(wrong({ way, after: marked.map((row) => ({ ...row, deleted: true })) })).toBe(true);
    }
    const from = marked.map((row) => ({ ...row, deleted: false }));
    expect(wrong({ way: 'merge-sweep', after: from, again: 'from' })).toBe(false);
  });

  test('of what is rejected the former version stays where rows are merged, and nothing comes where they are replaced', async () => {
    const history = await makeHistory();
    await history.commit(new Map([[1, item(1, 5, { price: MISFIT })]]), () => Promise.resolve());
    const merges = { way: 'merge' as const, history, rejects: isMisfit, from: 4, to: 4 };
    const before = [kept(item(1, 1)), kept(item(3, 4))];
    expect(wrong({ ...merges, before, after: before })).toBe(false);
    expect(wrong({ ...merges, before, after: before.slice(1) })).toBe(true);
    const seen = history.seen(seeing(['rejected'], false));
    expect(wrong({ history: seen, from: 4, to: 4, after: [kept(item(3, 4))] })).toBe(false);
    const nulled = history.seen(seeing(['nulled'], false));
    expect(wrong({ history: nulled, from: 4, to: 4, after: [kept(item(1, 5, { price: null })), kept(item(3, 4))] })).toBe(false); // prettier-ignore
    expect(seeing(['filtered'], false)(item(9, 9))).toEqual(item(9, 9));
    expect(seeing(['filtered'], false)(item(9, 9, { qty: 500 }))).toBeNull();
  });
});

test('three hundred loads come to every kind by every way; a story is told again by its seed and name', () => {
  const plans = planStories({ runs: 300, seed: 1, lanes: 4, only: '' });
  expect(plans.reduce((sum, { runs }) => sum + runs, 0)).toBe(300);
  expect(new Set(plans.map(({ kind, way }) => `${kind}/${way}`)).size).toBe(35);
  for (const { kind, way, seed, traits } of plans)
    expect(planStories({ runs: 5, seed, lanes: 1, only: `${kind}/${way}` })).toMatchObject([
      { seed, traits },
    ]);
  expect(planStories({ runs: 5, seed: 1, lanes: 1, only: 'csv/append+together' })).toMatchObject([
    { traits: ['together'] },
  ]);
  expect(() => planStories({ runs: 5, seed: 1, lanes: 1, only: 'csv/merge-mark' })).toThrow('nothing like');
});

test('kills are told by the kind of write', () => {
  const job = writeKind('before POST 127.0.0.1/bigquery/v2/projects/demo/jobs');
  const commit = writeKind('after /google.firestore.v1.Firestore/Commit');
  const table = writeKind('after DELETE 127.0.0.1/bigquery/v2/projects/demo/datasets/d/tables/t');
  const object = writeKind('before DELETE 127.0.0.1/b/demo-tradewind/o/t1%2Fm1%2Fu-1.parquet');
  expect([job, commit, table, object]).toEqual([
    'before a BigQuery job',
    'after a Firestore commit',
    'after a BigQuery table’s removal',
    'before an object’s removal',
  ]);
  expect(killsTold({ [`killed ${job}`]: 2, [`killed ${commit}`]: 3, 'killed at a random moment': 4, other: 9 })).toBe(
    '  4 at a random moment\n  0 before and 3 after a Firestore commit\n  2 before and 0 after a BigQuery job',
  );
}); // prettier-ignore
