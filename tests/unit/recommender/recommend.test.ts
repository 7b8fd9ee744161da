import { TerminalError } from '../../../functions/core/errors.ts';
import { TrainingConfig } from '../../../functions/core/training-config.ts';
import { openArtifact } from '../../../functions/recommender/artifact.ts';
import { sizeOf, type History } from '../../../functions/recommender/data.ts';
import { itemItemModel, loadItemItem } from '../../../functions/recommender/item-item.ts';
import {
  openRecommender,
  saveRecommender,
  type Portfolio,
} from '../../../functions/recommender/recommend.ts';
import { registry } from '../../../functions/recommender/registry.ts';
import { train } from '../../../functions/recommender/train.ts';
import { wholesaler } from '#tests/purchases';

/** A whole version whose parts can be spoiled before it is written, so that its digest is right and its content is not. */
async function portfolio(): Promise<Portfolio> {
  const config = TrainingConfig.parse({ preset: 'quick', algorithms: ['popularity', 'personal-frequency'] });
  const { artifact, recommender } = await train({ ...wholesaler(), config, now: 0 });
  const reader = openArtifact(artifact);
  const { customers, items, history, card } = recommender;
  const model = registry.popularity.load(reader.scope('models/1'), 60);
  const slot = { algorithm: 'popularity' as const, model };
  const slots = { reorder: slot, discover: slot };
  const neighbours = loadItemItem(reader.scope('neighbours'), 60);
  return { customers, items, history, minBuyers: 2, slots, neighbours, card };
}

describe('opening a version whose digest is right', () => {
  let whole: Portfolio;
  beforeAll(async () => {
    whole = await portfolio();
  });
  const withHistory = (change: (history: History) => Partial<History>): Portfolio => ({
    ...whole,
    history: { ...whole.history, ...change(whole.history) },
  });
  const withMatrix = (change: object): Portfolio => {
    const { neighbours } = whole;
    const matrix = { ...neighbours.matrix, ...change };
    const save: typeof neighbours.save = (writer) => {
      writer.array('indptr', matrix.indptr);
      writer.array('index', matrix.index);
      writer.array('weight', matrix.weight);
      writer.value('shape', { halfLifeDays: null, asOf: 0 });
    };
    return { ...whole, neighbours: { ...neighbours, save } };
  };

  it('opens what is whole', () => {
    expect(openRecommender(saveRecommender(whole)).customers.keys).toHaveLength(120);
  });

  it('answers baskets and what goes with an item by models of their own where it has any', () => {
    const { matrix, asOf } = whole.neighbours;
    // What goes together least comes first.
    const turned = itemItemModel(
      { ...matrix, weight: matrix.weight.map((weight) => 1 / weight) },
      null,
      asOf,
    );
    const answers = {
      similar: { algorithm: 'ease' as const, model: turned },
      basket: { algorithm: 'item-neighbours' as const, model: whole.neighbours },
    };
    const asked = (from: Portfolio) => {
      const opened = openRecommender(saveRecommender(from));
      const profile = opened.basket([3, 4]);
      const ids = (list: readonly { item: number }[]) => list.map(({ item }) => item);
      return {
        basket: ids(opened.recommend(profile, { slot: 'discover', k: 5, basket: true })),
        customer: ids(opened.recommend(profile, { slot: 'discover', k: 5 })),
        beside: ids(opened.similar(3, { k: 5 })),
      };
    };
    const [plain, own] = [asked(whole), asked({ ...whole, answers })];
    expect(plain.basket).toEqual(plain.customer);
    expect(own.customer).toEqual(plain.customer);
    expect(own.basket).not.toEqual(plain.basket);
    expect(own.beside).not.toEqual(plain.beside);
  });

  it('keeps brands and segments; a version of before has none', () => {
    const { customers, items, history } = whole;
    const brands = items.keys.map((_, item) => (item % 2 === 0 ? 'Acme' : null));
    const segments = customers.keys.map((_, c) => (c === 3 ? null : c % 2 === 0 ? 'Trade' : 'Industry'));
    const size = sizeOf({ ...customers, segments }, items);
    const told = {
      ...whole,
      customers: { ...customers, segments },
      items: { ...items, brands },
      history: { ...history, ...size },
    };
    const opened = openRecommender(saveRecommender(told));
    expect(opened.items.brands).toEqual(brands);
    expect(opened.history.segments).toEqual(['Industry', 'Trade']);
    expect([1, 2, 3].map((c) => opened.profile(c).segment)).toEqual([0, 1, -1]);
    expect([...opened.attributes.brand.itemsWith('Acme')].slice(0, 3)).toEqual([0, 2, 4]);
    const before = openRecommender(saveRecommender(whole));
    expect(before.history).not.toHaveProperty('segments');
    expect(before.profile(1)).not.toHaveProperty('segment');
    expect(before.attributes.brand.itemsWith('Acme')).toHaveLength(0);
  });

  const spoiled: [string, () => Portfolio, RegExp][] = [
    [
      'a row start too few',
      () => withHistory(({ indptr }) => ({ indptr: indptr.slice(1) })),
      /row starts has 120 entries, not 121/,
    ],
    [
      'rows that do not begin at 0',
      () => withHistory(({ indptr }) => ({ indptr: indptr.with(0, 1) })),
      /history begins at 1/,
    ],
    [
      'a row that ends before it begins',
      () => withHistory(({ indptr }) => ({ indptr: indptr.with(5, 9999) })),
      /history, row 5, ends at \d+ before it begins at 9999/,
    ],
    [
      'an item that no catalogue holds',
      () => withHistory(({ indptr, item }) => ({ item: item.with(indptr[1]! - 1, 60) })),
      /history, row 0, has 60 .* 0 to 59/,
    ],
    ['a negative item', () => withHistory(({ item }) => ({ item: item.with(0, -1) })), /has -1/],
    [
      'counts of other purchases',
      () => withHistory(({ count }) => ({ count: count.slice(1) })),
      /history\/count has \d+ entries/,
    ],
    [
      'buyers of other items',
      () => withHistory(() => ({ buyers: new Int32Array(59) })),
      /history\/buyers has 59 entries, not 60/,
    ],
    [
      'a customer without a key',
      () => ({ ...whole, customers: { ...whole.customers, keys: whole.customers.keys.slice(1) } }),
      /customers\/keys has 119 entries, not 120/,
    ],
    [
      'a neighbour that does not exist',
      () => withMatrix({ index: whole.neighbours.matrix.index.with(0, 60) }),
      /the item × item matrix, row 0, has 60/,
    ],
    ['weights missing', () => withMatrix({ weight: new Float32Array(1) }), /its weights has 1 entries/],
    [
      'a model of other items',
      () => {
        const save: Portfolio['neighbours']['save'] = (writer) =>
          writer.array('buyers', new Float32Array(61));
        const slot = { algorithm: 'popularity' as const, model: { ...whole.slots.discover.model, save } };
        return { ...whole, slots: { reorder: slot, discover: slot } };
      },
      /popularity has 61 entries, not 60/,
    ],
  ];
  it.each(spoiled)('refuses %s', (_, spoil, message) => {
    const open = () => openRecommender(saveRecommender(spoil()));
    expect(open).toThrow(message);
    expect(open).toThrow(TerminalError);
    expect(open).toThrow(expect.objectContaining({ code: 'artifact-damaged' }));
  });
});
