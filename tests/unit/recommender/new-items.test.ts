import { ease } from '../../../functions/recommender/algorithms/ease.ts';
import { ials } from '../../../functions/recommender/algorithms/ials.ts';
import type { Model } from '../../../functions/recommender/algorithm.ts';
import { bitsOf } from '../../../functions/recommender/bits.ts';
import { buildHistory, profileOf, type Catalogue } from '../../../functions/recommender/data.ts';
import { inThread } from '../../../functions/recommender/kernels/pool.ts';
import { measureNewItems } from '../../../functions/recommender/measure-new-items.ts';
import {
  completeNewItems,
  makeOwnCategories,
  newItemCases,
  rankNewItems,
} from '../../../functions/recommender/new-items.ts';
import { seededRandom } from '../../../functions/recommender/random.ts';
import type { SearchContext } from '../../../functions/recommender/search.ts';
import { DAY, START, toInteractions, wholesaler, type Line } from '#tests/purchases';

const size = { customers: 120, items: 60 };
const context = { random: seededRandom(1), pool: inThread };
/** Groups by turns, told by a word of the name alone; all items are of two categories, which tell nothing of the group. */
const catalogue: Catalogue = {
  keys: Array.from({ length: 60 }, (_, n) => `i${n}`),
  names: Array.from({ length: 60 }, (_, n) => `${['bolt', 'board', 'pipe', 'paint'][n % 4]} No. ${n}`),
  categories: Array.from({ length: 60 }, (_, n) => ['Left', 'Right'][Math.floor(n / 4) % 2]!),
};
const fresh = [52, 53, 54, 55, 56, 57, 58, 59];
const from = START + 200 * DAY;
/** What nobody may have bought before day 200: the last eight items. */
const { interactions: all } = wholesaler(size);
const interactions = {
  ...all,
  quantity: all.quantity.map((q, n) => (all.item[n]! >= 52 && all.time[n]! < from ? NaN : q)),
};
const before = buildHistory(interactions, size, { until: from }).history;
const cases = newItemCases(interactions, before, from);
const fitIals = () => ials.fit(before, ials.options.parse({ factors: 8, epochs: 6 }), context);

it('new items are ranked by what their names tell', async () => {
  const made = (await completeNewItems(await fitIals(), before, catalogue, context))!;
  expect([...made.items]).toEqual(fresh);
  for (const customer of [0, 1, 2, 3]) {
    const profile = profileOf(before, customer);
    const list = rankNewItems(made, profile, 2);
    expect(list.map(({ item }) => item % 4)).toEqual([customer, customer]);
    const allowed = bitsOf([52, 53, 54, 55], 60);
    expect(rankNewItems(made, profile, 8, allowed).map(({ item }) => item)[0]).toBe(52 + customer);
    const weights = new Float32Array(60).fill(1);
    weights[list[0]!.item] = 0.01;
    expect(rankNewItems(made, profile, 2, undefined, weights)[0]!.item).toBe(list[1]!.item);
  }
});

it('the baseline goes by the customer’s own categories, then by everybody’s', () => {
  const lines: Line[] = [[0, 0, 1], [0, 0, 2], [0, 1, 1], [1, 1, 1], [2, 1, 1]]; // prettier-ignore
  const { history } = buildHistory(toInteractions(lines), { customers: 3, items: 6 });
  const items: Catalogue = {
    keys: ['a', 'b', 'c', 'd', 'e', 'f'],
    names: [null, null, null, null, null, null],
    categories: ['A', 'B', null, 'B', 'A', 'B'],
  };
  const order = makeOwnCategories(history, items);
  expect(order(profileOf(history, 0), 9)).toEqual([4, 3, 5, 2]);
  expect(order(profileOf(history, 2), 2)).toEqual([3, 5]);
  expect(order({ ...profileOf(history, 2), items: new Int32Array() }, 9)).toEqual([3, 5, 4, 2]);
});

describe('measured', () => {
  const setting = { algorithm: 'ials', options: { factors: 8 } } as const;
  const search = { config: { seed: 1 }, pool: inThread, catalogue } as SearchContext; // what it reads of it
  const ask = async (model: Promise<Model>, best: object, used = cases) =>
    measureNewItems(
      used,
      {
        before,
        discover: { algorithm: 'ease', options: {} },
        found: { best: { reorder: {}, discover: best } },
        fits: ({ algorithm }) => (algorithm === 'ials' ? fitIals() : model),
      },
      search,
    );
  const noVectors = ease.fit(before, ease.options.parse({}), context);

  it('content is better than the baseline where names tell more than categories', async () => {
    const found = (await ask(noVectors, { ials: setting }))!;
    expect(found).toMatchObject({
      algorithm: 'content',
      on: 'ials',
      baseline: { algorithm: 'own-categories' },
    });
    expect(found.cases).toBeGreaterThan(60);
    expect(found.lead.low).toBeGreaterThan(0.1);
  });

  it('the baseline answers where no model has factors, and nothing where nobody bought anything new', async () => {
    expect(await ask(noVectors, {})).toMatchObject({
      algorithm: 'own-categories',
      lead: { low: 0, high: 0 },
    });
    expect(await ask(noVectors, {}, [])).toBeNull();
  });
});
