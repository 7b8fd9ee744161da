import { buildHistory, type Catalogue } from '../../../../functions/recommender/data.ts';
import { seededRandom } from '../../../../functions/recommender/random.ts';
import { chooseRows, fillBatch, pullBatch } from '../../../../functions/recommender/two-tower/batches.ts';
import { makeEmbeddings, moveRows } from '../../../../functions/recommender/two-tower/embeddings.ts';
import { makeExamples } from '../../../../functions/recommender/two-tower/examples.ts';
import { makeGradients, makeNet, plainStep } from '../../../../functions/recommender/two-tower/net.ts';
import { toInteractions, type Line } from '#tests/purchases';

const width = 3;
const dims = { input: 2 * width, hidden: 5, output: 4 };
const items: Catalogue = {
  keys: ['a', 'b', 'c', 'd', 'e'],
  names: ['steel bolt', 'steel nut', 'oak board', 'oak plank', null],
  categories: ['Metal', 'Metal', 'Wood', 'Wood', null],
  brands: ['Norvik', 'Halden', 'Norvik', null, null],
};
/** Six customers; customers 4 and 5 belong to no segment, and customer 5 bought a single item. */
const lines: Line[] = [
  ...[0, 1, 2].map((item): Line => [0, item, 1]),
  ...[0, 1].map((item): Line => [1, item, 1]),
  ...[2, 3].map((item): Line => [2, item, 1]),
  ...[2, 3, 4].map((item): Line => [3, item, 1]),
  ...[0, 4].map((item): Line => [4, item, 1]),
  [5, 0, 1],
];

function scene() {
  const { history } = buildHistory(toInteractions(lines), { customers: 6, items: 5 });
  const known = { ...history, segment: Int32Array.of(0, 0, 1, 1, -1, -1), segments: ['metal', 'wood'] };
  const limits = { most: 10, watched: 0, halfLifeDays: null, words: 8 };
  const examples = makeExamples(known, items, limits, seededRandom(1));
  const embeddings = makeEmbeddings(examples, width, seededRandom(2));
  const size = examples.learn.length;
  const numbers = () => new Float32Array(size * dims.input);
  const batch = {
    size,
    customers: numbers(),
    items: numbers(),
    ids: new Int32Array(size),
    logQ: new Float32Array(size),
  };
  const net = makeNet(dims, seededRandom(3));
  const rows = chooseRows(examples, examples.learn, { kept: 1, random: seededRandom(4) });
  return { examples, embeddings, rows, batch, net, gradients: makeGradients(dims, size) };
}

it('what is learned of items, features and segments moves by the differences of the loss', () => {
  const { examples, embeddings, rows, batch, net, gradients } = scene();
  embeddings.rows.forEach((x, n) => (embeddings.rows[n] = 10 * x));
  const loss = () => {
    // Sums of features are made once a step.
    embeddings.step++;
    fillBatch(examples, embeddings, rows, batch);
    return plainStep(net, batch, gradients, dims, 0.5);
  };
  loss();
  pullBatch(examples, embeddings, rows, gradients);
  const found = embeddings.pulls.slice();
  let [worst, largest] = [0, 0];
  for (let n = 0; n < embeddings.rows.length; n++) {
    const [kept, h] = [embeddings.rows[n]!, 1e-2];
    embeddings.rows[n] = kept + h;
    const above = loss();
    embeddings.rows[n] = kept - h;
    const below = loss();
    embeddings.rows[n] = kept;
    worst = Math.max(worst, Math.abs((above - below) / (2 * h) - found[n]!));
    largest = Math.max(largest, Math.abs(found[n]!));
  }
  expect(largest).toBeGreaterThan(0.05);
  expect(worst).toBeLessThan(0.01 * largest);
  const touched = (row: number) => found.subarray(row * width, (row + 1) * width).some((x) => x !== 0);
  const [features, segments] = [5, 5 + examples.features.size];
  expect(examples.features.indptr[5]).toBe(15);
  expect([0, 1, 2].map((place) => touched(features + place))).toEqual([true, true, true]);
  expect([touched(segments), touched(segments + 1)]).toEqual([true, true]);
});

it('a step forgets its pulls', () => {
  const { examples, embeddings, rows, batch, net, gradients } = scene();
  fillBatch(examples, embeddings, rows, batch);
  plainStep(net, batch, gradients, dims, 0.5);
  pullBatch(examples, embeddings, rows, gradients);
  const before = embeddings.rows.slice();
  moveRows(embeddings, 0.1, 1);
  expect(embeddings.rows).not.toEqual(before);
  const after = embeddings.rows.slice();
  moveRows(embeddings, 0.1, 1);
  expect(embeddings.rows).toEqual(after);
  expect([...embeddings.pulls, ...embeddings.sumPulls].every((x) => x === 0)).toBe(true);
});

it('what is watched speaks for nothing, and in learning a part of the rest, another each time', () => {
  const { examples } = scene();
  const isWatched = Uint8Array.from(examples.item, (item) => (item === 2 ? 1 : 0));
  const of = (learning: Parameters<typeof chooseRows>[2]) =>
    chooseRows({ ...examples, isWatched }, examples.learn, learning);
  const all = of(null);
  expect(all.items).not.toContain(2);
  for (let row = 0; row < all.segments.length; row++) {
    const said = all.weights.subarray(all.starts[row], all.starts[row + 1]);
    if (said.length > 0) expect(Math.hypot(...said)).toBeCloseTo(1, 6);
  }
  const learning = { kept: 0.5, random: seededRandom(5) };
  const [one, other] = [of(learning), of(learning)];
  expect(one.starts.at(-1)).toBeLessThan(all.starts.at(-1)!);
  expect(other.starts).not.toEqual(one.starts);
  expect(one.segments.filter((segment) => segment < 0).length).toBeGreaterThan(
    all.segments.filter((segment) => segment < 0).length,
  );
});

it('an item is expected in a batch as often as it is bought, and is no counterexample of itself', () => {
  const { batch, examples, embeddings, rows, gradients, net } = scene();
  fillBatch(examples, embeddings, rows, batch);
  // Item 0 has four of the thirteen purchases.
  expect(batch.logQ[batch.ids.indexOf(0)]).toBeCloseTo(Math.log(4), 6);
  const loss = plainStep(net, batch, gradients, dims, 0.5);
  expect(loss).toBeGreaterThan(0.1);
  // Where all rows are of one item there is nothing to tell apart.
  const one = { ...batch, ids: new Int32Array(batch.size) };
  expect(plainStep(net, one, gradients, dims, 0.5)).toBeCloseTo(0, 9);
  expect([...gradients.items, ...gradients.customers].every((x) => Math.abs(x) < 1e-9)).toBe(true);
});
