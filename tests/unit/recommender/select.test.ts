import { hasBit } from '../../../functions/recommender/bits.ts';
import type { Ranked, RankOptions } from '../../../functions/recommender/rank.ts';
import { mergeNextOrder } from '../../../functions/recommender/next-order.ts';
import { select, type Cap, type Selection } from '../../../functions/recommender/select.ts';
import { relative } from '../../../functions/recommender/shared-places.ts';

const ITEMS = 20_000;
/** Twenty groups, in which the items rank one after another. */
const group = Int32Array.from({ length: ITEMS }, (_, item) => Math.floor(item / 1000));
const rankBy = ({ k }: { k: number }): Ranked[] =>
  Array.from({ length: Math.min(k, ITEMS) }, (_, item) => ({ item, score: 1 / (1 + item), from: 'model' }));

/** The list, and how often two items were compared. */
function listed(options: Omit<Selection, 'slot'>, alike = (a: number, b: number) => (a === b ? 1 : 0)) {
  let compared = 0;
  const likeness = (a: number, b: number) => {
    compared++;
    return alike(a, b);
  };
  const list = select(rankBy, { ...options, slot: 'discover' }, ITEMS, likeness);
  return { items: list.map(({ item }) => item), compared };
}

describe('a diverse list', () => {
  it('under a cap that hardly any item passes takes the best of each group, and does not compare all with all', () => {
    const { items, compared } = listed({ k: 20, diversity: 0.1, caps: [{ group, atMost: 1 }] });
    expect(items).toEqual(Array.from({ length: 20 }, (_, n) => n * 1000));
    expect(compared).toBeLessThan(2000);
  });

  it('ends where no group has room any more', () => {
    const { items, compared } = listed({ k: 30, diversity: 0.1, caps: [{ group, atMost: 1 }] });
    expect(items).toHaveLength(20);
    expect(compared).toBeLessThan(2000);
  });

  it('by places follows the ranking where nothing is alike, whatever the scores are', () => {
    const merged: Ranked[] = [3, 900, 1, 500].map((score, item) => ({ item, score, from: 'model' }));
    const by = (relevance: 'place' | 'score') =>
      select(
        () => merged,
        { slot: 'discover', k: 4, diversity: 0.5, relevance },
        4,
        () => 0,
      ).map(({ item }) => item);
    expect(by('place')).toEqual([0, 1, 2, 3]);
    expect(by('score')).toEqual([1, 3, 0, 2]);
  });
});

it('an item made louder does not make the others of its kind quieter', () => {
  const side = (...scores: [item: number, score: number][]): Ranked[] =>
    scores.map(([item, score]) => ({ item, score, from: 'model' }));
  const fresh = relative(side([7, 0.4], [8, 0.3]), 0.4);
  // Item 3, boosted a hundredfold from 1, of a side whose best is 10 without it.
  const again = relative(side([3, 100], [1, 10], [2, 9]), 10);
  expect(mergeNextOrder(again, fresh, 0.5, 5, [1, 1]).map(({ item }) => item)).toEqual([3, 1, 2, 7, 8]);
});

describe('a capped list', () => {
  /** A ranking of all items in a mixed order, which counts what it is asked for. */
  function counting(items: number) {
    const order = Array.from({ length: items }, (_, n) => (n * 7919 + 13) % items);
    const asked = { ranked: 0, calls: 0 };
    const ranking = ({ k, within }: RankOptions): Ranked[] => {
      asked.calls++;
      const list: Ranked[] = [];
      for (const [place, item] of order.entries()) {
        if (list.length === k) break;
        if (within === undefined || hasBit(within, item))
          list.push({ item, score: 1 / (1 + place), from: 'model' });
      }
      asked.ranked += list.length;
      return list;
    };
    return { order, asked, ranking };
  }
  const capped = (ranking: (options: RankOptions) => Ranked[], k: number, caps: readonly Cap[]) =>
    select(ranking, { slot: 'discover', k, caps }, caps[0]!.group.length, () => 0).map(({ item }) => item);

  it('that cannot be filled does not have the whole catalogue ranked', () => {
    const { asked, ranking } = counting(ITEMS);
    expect(capped(ranking, 50, [{ group, atMost: 1 }])).toHaveLength(20);
    expect(asked.ranked).toBeLessThan(500);
  });

  it('is the best of the ranking that the caps allow, wherever in it they are', () => {
    for (let seed = 1; seed <= 30; seed++) {
      const items = 300 + 97 * seed;
      const { order, ranking } = counting(items);
      // Groups of very different sizes, two ways; some items belong to none.
      const by = (every: number) =>
        Int32Array.from({ length: items }, (_, item) =>
          item % every === 0 ? -1 : Math.floor(Math.sqrt((item * seed) % 3001)) % (4 + seed),
        );
      const caps = [
        { group: by(500), atMost: 1 + (seed % 3) },
        { group: by(83), atMost: 2 },
      ];
      const counts = caps.map(() => new Map<number, number>());
      const expected: number[] = [];
      for (const item of order) {
        const groups = caps.map(({ group: of }) => of[item]!);
        const full = (number: number, n: number) =>
          number >= 0 && (counts[n]!.get(number) ?? 0) >= caps[n]!.atMost;
        if (expected.length === 40 || groups.some(full)) continue;
        expected.push(item);
        groups.forEach((number, n) => counts[n]!.set(number, (counts[n]!.get(number) ?? 0) + 1));
      }
      expect([seed, capped(ranking, 40, caps)]).toEqual([seed, expected]);
    }
  });
});
