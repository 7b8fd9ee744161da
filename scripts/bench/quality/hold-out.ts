import { seededRandom, shuffled } from '../../../functions/recommender/random.ts';
import type { Cases } from '../../../functions/recommender/split.ts';
import { historyOfRows } from '../user-lines.ts';

/** Of a held-out user's items one of so many: the split of the public sets. */
const HOLD_OUT_ONE_OF = 5;

/** Users with a line in the test file and one to learn from; items that nobody bought before stay targets. */
export function casesOf(before: Cases['before'], rows: readonly Int32Array[]): Cases {
  const customers = Int32Array.from(rows.keys()).filter(
    (c) => rows[c]!.length > 0 && before.indptr[c]! < (before.indptr[c + 1] ?? 0),
  );
  return {
    before,
    customers,
    targets: Array.from(customers, (c) => rows[c]!),
    newCustomers: 0,
    newItemPurchases: 0,
  };
}

/**
 * A seeded fifth of the items of at most `users` users, out of what is learned from while choosing: of those with three items or
 * more, or where there are none, with two.
 */
export function holdOut(
  rows: readonly Int32Array[],
  size: { customers: number; items: number },
  { users, seed }: { users: number; seed: number },
): Cases {
  const random = seededRandom(seed);
  const withItems = (least: number) => [...rows.keys()].filter((c) => rows[c]!.length >= least);
  const three = withItems(3);
  const able = three.length > 0 ? three : withItems(2);
  const drawn = shuffled(able, random).slice(0, users);
  const kept = [...rows];
  const held: Int32Array[] = rows.map(() => new Int32Array());
  for (const c of drawn) {
    const items = shuffled(rows[c]!, random);
    const out = Math.max(1, Math.round(items.length / HOLD_OUT_ONE_OF));
    held[c] = Int32Array.from(items.slice(0, out)).sort();
    kept[c] = Int32Array.from(items.slice(out)).sort();
  }
  return casesOf(historyOfRows(kept, size), held);
}
