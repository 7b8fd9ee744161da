import { ials } from '../../../functions/recommender/algorithms/ials.ts';
import { CONTENT_DEFAULTS, fitContent, toldFactors } from '../../../functions/recommender/content.ts';
import { buildHistory, type Catalogue } from '../../../functions/recommender/data.ts';
import { inThread } from '../../../functions/recommender/kernels/pool.ts';
import { gaussian, seededRandom } from '../../../functions/recommender/random.ts';
import { wholesaler } from '#tests/purchases';

const KINDS = ['steel bolt', 'oak board', 'copper pipe', 'blue paint'];
const CATEGORIES = ['Fasteners', 'Wood', 'Plumbing', null];
const context = { pool: inThread };

/** Items by turns of four kinds, told by their names and most of their categories. */
function catalogue(count: number): Catalogue {
  const items = Array.from({ length: count }, (_, n) => n);
  return {
    keys: items.map(String),
    names: items.map((n) => `${KINDS[n % 4]}, ${n * 7} mm, No. ${n}`),
    categories: items.map((n) => CATEGORIES[n % 4] ?? null),
  };
}

/** Factors of a kind each, with noise, and how many bought: the first four items nobody. */
function planted(count: number, d: number) {
  const random = seededRandom(1);
  const kinds = Float32Array.from({ length: 4 * d }, () => gaussian(random));
  const factors = Float32Array.from({ length: count * d }, (_, n) => {
    const [item, k] = [Math.floor(n / d), n % d];
    return item < 4 ? 0 : kinds[(item % 4) * d + k]! + 0.3 * gaussian(random);
  });
  return {
    kinds,
    vectors: { d, factors },
    buyers: Int32Array.from({ length: count }, (_, n) => (n < 4 ? 0 : 20)),
  };
}

const cosine = (a: Float32Array, b: Float32Array) => {
  const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, k) => sum + value * y[k]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
};

describe('the content tower', () => {
  it('finds the planted factors of items that nobody bought', async () => {
    const { kinds, vectors, buyers } = planted(80, 8);
    const tower = await fitContent(vectors, catalogue(80), buyers, CONTENT_DEFAULTS, context);
    const told = toldFactors(tower, catalogue(80), Int32Array.of(0, 1, 2, 3));
    for (const item of [0, 1, 2, 3])
      expect(
        cosine(told.subarray(item * 8, item * 8 + 8), kinds.subarray(item * 8, item * 8 + 8)),
      ).toBeGreaterThan(0.95);
  });

  it('learns more from items of many buyers', async () => {
    const vectors = { d: 1, factors: Float32Array.of(1, -1) };
    const items: Catalogue = { keys: ['a', 'b'], names: ['lamp red', 'lamp green'] };
    const tower = await fitContent(vectors, items, Int32Array.of(1000, 1), CONTENT_DEFAULTS, context);
    expect(tower.factorsOf({ name: 'LAMP', category: null, brand: null })[0]).toBeGreaterThan(0.1);
  });

  it('has no opinion of what it knows nothing of', async () => {
    const { vectors, buyers } = planted(80, 8);
    const tower = await fitContent(vectors, catalogue(80), buyers, CONTENT_DEFAULTS, context);
    expect([...tower.factorsOf({ name: null, category: null, brand: null })]).toEqual(
      Array.from({ length: 8 }, () => 0),
    );
    expect([...tower.factorsOf({ name: 'ξένος', category: 'Ξ', brand: 'Ψ' })].every((x) => x === 0)).toBe(
      true,
    );
  });

  it('tells brands apart where nothing else does', async () => {
    const vectors = { d: 1, factors: Float32Array.from({ length: 8 }, (_, n) => (n % 2 === 0 ? 1 : -1)) };
    const items: Catalogue = {
      keys: Array.from({ length: 8 }, (_, n) => `${n}`),
      names: Array.from({ length: 8 }, () => 'lamp'),
      categories: Array.from({ length: 8 }, () => 'Light'),
      brands: Array.from({ length: 8 }, (_, n) => ['Norvik', 'Halden'][n % 2]!),
    };
    const tower = await fitContent(vectors, items, new Int32Array(8).fill(20), CONTENT_DEFAULTS, context);
    const of = (brand: string) => tower.factorsOf({ name: 'lamp', category: 'Light', brand })[0]!;
    expect(of('Norvik')).toBeGreaterThan(0.5);
    expect(of('Halden')).toBeLessThan(-0.5);
  });

  it('does not learn from items that took no part in learning', async () => {
    const vectors = { d: 1, factors: Float32Array.of(1, 1, 0, 0) };
    const items: Catalogue = { keys: ['a', 'b', 'c', 'd'], names: ['lamp', 'lamp', 'lamp', 'lamp'] };
    const tower = await fitContent(vectors, items, Int32Array.of(9, 9, 9, 9), CONTENT_DEFAULTS, context);
    expect(tower.factorsOf({ name: 'lamp', category: null, brand: null })[0]).toBeGreaterThan(0.6);
  });
});

it('neighbours of an item that was held out of a wholesaler’s history are of its kind', async () => {
  const size = { customers: 120, items: 60 };
  const { interactions } = wholesaler(size);
  const quantity = interactions.quantity.map((q, n) => (interactions.item[n]! >= 56 ? NaN : q));
  const { history } = buildHistory({ ...interactions, quantity }, size);
  const options = ials.options.parse({ factors: 8, epochs: 6 });
  const model = await ials.fit(history, options, { random: seededRandom(1), ...context });
  const { vectors } = model;
  const items = catalogue(60);
  const tower = await fitContent(vectors!, items, history.buyers, CONTENT_DEFAULTS, context);
  const d = vectors!.d;
  const told = toldFactors(tower, items, Int32Array.of(56, 57, 58, 59));
  const row = (item: number) =>
    item < 56
      ? vectors!.factors.subarray(item * d, (item + 1) * d)
      : told.subarray((item - 56) * d, (item - 55) * d);
  for (const held of [56, 57, 58, 59]) {
    const nearest = Array.from({ length: 56 }, (_, item) => item)
      .sort((a, b) => cosine(row(held), row(b)) - cosine(row(held), row(a)))
      .slice(0, 8);
    expect(nearest.filter((item) => item % 4 === held % 4).length).toBeGreaterThanOrEqual(7);
  }
});
