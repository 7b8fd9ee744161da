import { itemNeighbours } from '../../../functions/recommender/algorithms/item-neighbours.ts';
import { buildHistory, DAY_MS, profileOf } from '../../../functions/recommender/data.ts';
import { describeEvidence, explainOffer } from '../../../functions/recommender/explain.ts';
import { requireItemItem } from '../../../functions/recommender/item-item.ts';
import { inThread } from '../../../functions/recommender/kernels/pool.ts';
import { seededRandom } from '../../../functions/recommender/random.ts';
import { catalogue, START, toInteractions, type Line } from '#tests/purchases';

const lines: Line[] = [
  [0, 0, 10], [0, 0, 31], [0, 0, 52], // every 21 days
  [0, 3, 50],
  [1, 0, 5], [1, 1, 5], [2, 0, 6], [2, 1, 6], // items 0 and 1 go together
  [3, 2, 60],
]; // prettier-ignore

describe('evidence', () => {
  const { history } = buildHistory(toInteractions(lines), { customers: 4, items: 4 });
  const profile = profileOf(history, 0);
  const items = catalogue('i', 4);
  const words = { now: START + 71 * DAY_MS, basket: false };
  const from = async () => ({
    history,
    neighbours: requireItemItem(
      await itemNeighbours.fit(history, itemNeighbours.options.parse({}), {
        random: seededRandom(1),
        pool: inThread,
      }),
    ),
  });

  it('names the bought item that speaks loudest for a discovery', async () => {
    const evidence = explainOffer({ item: 1, score: 1, from: 'model' }, 'discover', profile, await from());
    expect(evidence).toMatchObject({ kind: 'bought-together', item: 0, times: 3, share: 1 });
    expect(describeEvidence(evidence, items, words)).toBe(
      'Because you bought The i0 (3 times, last on 2025-02-22).',
    );
    expect(describeEvidence(evidence, items, { ...words, basket: true })).toMatch(/in the basket/);
  });

  it('tells the rhythm of a re-order', async () => {
    const evidence = explainOffer({ item: 0, score: 1, from: 'model' }, 'reorder', profile, await from());
    expect(describeEvidence(evidence, items, words)).toBe(
      'Bought 3 times, about every 21 days, last 19 days ago.',
    );
  });

  it('claims no rhythm after one purchase', async () => {
    const evidence = explainOffer({ item: 3, score: 1, from: 'model' }, 'reorder', profile, await from());
    expect(describeEvidence(evidence, items, words)).toBe('Bought once, last 21 days ago.');
  });

  it('says popular where it is popularity, or where no bought item is a neighbour', async () => {
    const filled = explainOffer({ item: 1, score: 0, from: 'popularity' }, 'discover', profile, await from());
    expect(describeEvidence(filled, items, words)).toBe('Popular: 2 of 4 customers bought it.');
    const alone = explainOffer({ item: 2, score: 1, from: 'model' }, 'discover', profile, await from());
    expect(alone.kind).toBe('popular');
  });
});
