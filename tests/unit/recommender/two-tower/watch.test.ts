import { makeEmbeddings } from '../../../../functions/recommender/two-tower/embeddings.ts';
import { makeExamples } from '../../../../functions/recommender/two-tower/examples.ts';
import { makeNet } from '../../../../functions/recommender/two-tower/net.ts';
import { makeWatch } from '../../../../functions/recommender/two-tower/watch.ts';
import { buildHistory } from '../../../../functions/recommender/data.ts';
import { seededRandom } from '../../../../functions/recommender/random.ts';
import { toInteractions, type Line } from '#tests/purchases';

/** Twenty customers bought items 0 and 1 of six, each thing once; then item 2. */
function scene() {
  const customers = Array.from({ length: 20 }, (_, c) => c);
  const lines = customers.flatMap((c): Line[] => [
    [c, 0, 1],
    [c, 1, 1],
    [c, c % 2 === 0 ? 2 : 3, 9],
  ]);
  const { history } = buildHistory(toInteractions([...lines, [0, 4, 1], [1, 5, 1], [2, 3, 1]]), {
    customers: 20,
    items: 6,
  });
  const limits = { most: 10, watched: 0.3, halfLifeDays: null, words: 2 };
  return makeExamples(history, null, limits, seededRandom(1));
}

it('an order of the watched purchases is worth most where they come first, and nothing bought before counts', () => {
  const examples = scene();
  const dims = { input: 2, hidden: 2, output: 2 };
  const net = makeNet(dims, seededRandom(2));
  const embeddings = makeEmbeddings(examples, 1, seededRandom(3));
  const tower = { w1: Float32Array.of(1, 0, 0, 1), b1: new Float32Array(2), w2: Float32Array.of(1, 0, 0, 1) };
  Object.assign(net, {
    customer: { ...tower, b1: Float32Array.of(1, 0) },
    item: { ...tower, b1: Float32Array.of(0, 1) },
  });
  const rank = makeWatch(examples, dims);
  // Along the customers' direction lies what is large: the watched items 2 and 3, then what all have bought already.
  embeddings.rows.set([9, 9, 5, 5, 1, 1]);
  const good = rank(net, embeddings);
  embeddings.rows.set([9, 9, 1, 1, 5, 5]);
  const bad = rank(net, embeddings);
  expect(good).toBeGreaterThan(bad);
  expect(good).toBeGreaterThan(0.7);
  expect(bad).toBeLessThan(0.6);
});
