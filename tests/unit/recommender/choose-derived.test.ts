import type { Model } from '../../../functions/recommender/algorithm.ts';
import { chooseDerived } from '../../../functions/recommender/choose-derived.ts';
import { buildHistory } from '../../../functions/recommender/data.ts';
import { openJournal } from '../../../functions/recommender/journal.ts';
import type { Setting } from '../../../functions/recommender/trial-plan.ts';
import type { Winner } from '../../../functions/recommender/winner.ts';
import { checkerboard, toInteractions } from '#tests/purchases';

const before = buildHistory(toInteractions(checkerboard(20)), { customers: 20, items: 20 }).history;
/** Says that item n + `step` goes with item n. */
const says = (step: number): Model => {
  const similar = (item: number, scores: Float32Array) =>
    scores.fill(0).fill(1, item + step, item + step + 1);
  return { score: (profile, scores) => similar(profile.items[0]!, scores), similar, save: () => undefined };
};
const winner = (algorithm: Winner['algorithm'], rung: number, figure: number): Winner => ({
  algorithm,
  options: {},
  validation: { ndcg10: 0, recall10: 0, recall20: 0, coverage: 0 },
  figure,
  figures: new Float32Array(),
  rung,
});
const models: Partial<Record<Setting['algorithm'], Model>> = {
  'item-neighbours': says(2),
  ials: says(2),
  ease: says(1),
  'graph-filter': { score: (profile, scores) => says(1).score(profile, scores), save: () => undefined },
  'two-tower': says(1),
};
const found = {
  best: {
    reorder: {},
    discover: {
      'item-neighbours': winner('item-neighbours', 2, 0.3),
      'graph-filter': winner('graph-filter', 2, 0.4),
      ease: winner('ease', 2, 0.1),
      'two-tower': winner('two-tower', 0, 0.9),
    },
  },
  cases: { before, customers: new Int32Array(), targets: [], newCustomers: 0, newItemPurchases: 0 },
  model: async ({ algorithm }: Setting) => models[algorithm]!,
};
/** What goes with item n is item n + 1. */
const cases = Array.from({ length: 12 }, (_, n) => ({
  given: Int32Array.of(n),
  targets: Int32Array.of(n + 1),
}));
const setting = (algorithm: Setting['algorithm']): Setting => ({ algorithm, options: {} });
const defaults = { similar: setting('item-neighbours'), basket: setting('ials') };
const choose = async (similar: typeof cases, basket: typeof cases) =>
  chooseDerived(found, { similar, basket }, defaults, {
    journal: await openJournal('', () => 0, null),
    seed: 1,
    minBuyers: 1,
  });

it('a derived question is answered by what foretold it better than its default, out of those that came to the last round', async () => {
  // The graph's likeness is not known; the towers ended early.
  expect(await choose(cases, cases)).toEqual({ similar: setting('ease'), basket: setting('graph-filter') });
});

it('and by its default where the evidence is not enough, or there is none', async () => {
  expect(await choose(cases.slice(0, 1), [])).toEqual({});
});
