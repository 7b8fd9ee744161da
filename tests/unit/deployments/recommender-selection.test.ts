import { giveFeedback, likelyBuyers, nextOrder, recommend, rerank, similar } from '#core/api/recommend';
import { TrainingConfig } from '../../../functions/core/training-config.ts';
import { listFor } from '../../../functions/recommender/offline-lists.ts';
import { openRecommender, type Recommender } from '../../../functions/recommender/recommend.ts';
import { train } from '../../../functions/recommender/train.ts';
import { askRecommender, logged, NOW, outcomes } from '#tests/ask-recommender';
import { wholesaler } from '#tests/purchases';

const category = (item: number) => (item === 59 ? null : `kind ${item % 6}`);
const brand = (item: number) => (item % 10 === 9 ? null : `brand ${item % 5}`);
let recommender: Recommender;
beforeAll(async () => {
  // More customers than a version has offline lists of, so that served and offline can be compared widely.
  const data = wholesaler({ customers: 1000, days: 150 });
  const items = {
    ...data.items,
    categories: data.items.keys.map((_, item) => category(item)),
    brands: data.items.keys.map((_, item) => brand(item)),
  };
  const algorithms = ['popularity', 'personal-frequency', 'item-neighbours'] as const;
  const config = TrainingConfig.parse({ preset: 'quick', trials: 2, algorithms: [...algorithms] });
  recommender = openRecommender((await train({ ...data, items, config, now: NOW })).artifact);
}, 60_000);

interface Item {
  id: string;
  score: number;
  slot: string;
  reason: string;
  quantity: { quantity: number; pack: number | null; reason: string } | null;
}
async function list(body: object, path: string = recommend.path): Promise<Item[]> {
  const answer = await askRecommender(recommender, path, body);
  expect(answer).toMatchObject({ status: 200 });
  return answer.body.items;
}
const ids = (items: readonly { id: string }[]) => items.map(({ id }) => id);
const kindOf = (id: string) => category(Number(id.slice(1)));
const plain = () => list({ customer: 'c5', limit: 20 });

describe('the options of a list', () => {
  it('filter: items of these categories, or not of those, and the list is filled all the same', async () => {
    const within = await list({
      customer: 'c5',
      limit: 5,
      filter: [{ attribute: 'category', in: ['kind 1', 'kind 3', 'no such kind'] }],
    });
    expect(within).toHaveLength(5);
    expect(new Set(ids(within).map(kindOf))).toEqual(new Set(['kind 1', 'kind 3']));
    const without = await list({
      customer: 'c5',
      limit: 40,
      filter: [{ attribute: 'category', notIn: ['kind 1', 'kind 3'] }],
    });
    expect(ids(without).map(kindOf)).not.toContain('kind 1');
    // What has no category is in none, and so in none of those.
    expect(ids(without)).toContain('i59');
  });

  it('brands: filtered, capped, lifted and buried as categories are, for customers, baskets and items', async () => {
    const filter = [
      { attribute: 'brand', in: ['brand 1', 'brand 2', 'no such brand'] },
      { attribute: 'category', notIn: ['kind 1'] },
    ];
    const brandOf = (id: string) => brand(Number(id.slice(1)));
    const asked: [object, string][] = [
      [{ customer: 'c5' }, recommend.path],
      [{ basket: ['i5', 'i9'] }, recommend.path],
      [{ customer: 'c5' }, nextOrder.path],
      [{ item: 'i9' }, similar.path],
    ];
    for (const [who, path] of asked) {
      const all = ids(await list({ ...who, limit: 60 }, path));
      const found = ids(await list({ ...who, limit: 60, filter }, path));
      const passes = (id: string) => /[12]$/.test(brandOf(id) ?? '') && kindOf(id) !== 'kind 1';
      expect(found.length).toBeGreaterThan(3);
      expect(new Set(found)).toEqual(new Set(all.filter(passes)));
      const capped = ids(await list({ ...who, caps: [{ attribute: 'brand', atMost: 1 }] }, path));
      const capsOf = Object.groupBy(capped, (id) => brandOf(id) ?? 'none');
      for (const [name, those] of Object.entries(capsOf)) if (name !== 'none') expect(those).toHaveLength(1);
    }
    const ranked = ids(await list({ customer: 'c5', limit: 60 }));
    const isThird = (id: string) => brandOf(id) === 'brand 3';
    const third = { attribute: 'brand', in: ['brand 3'] };
    const buried = ids(await list({ customer: 'c5', limit: 60, bury: [third] }));
    expect(buried).toEqual([...ranked.filter((id) => !isThird(id)), ...ranked.filter(isThird)]);
    const lifted = ids(await list({ customer: 'c5', limit: 2, boost: [{ ...third, factor: 100 }] }));
    expect(lifted).toEqual(ranked.filter(isThird).slice(0, 2));
  });

  it('onlyItems and excludeItems: the assortment, without what is left out of it', async () => {
    const ranked = ids(await plain());
    const only = [...ranked.slice(4, 12), 'unknown'];
    const { body } = await askRecommender(recommender, recommend.path, {
      customer: 'c5',
      onlyItems: only,
      excludeItems: [ranked[4]],
    });
    expect(ids(body.items)).toEqual(ranked.slice(5, 12));
    expect(body.unknownItems).toEqual(['unknown']);
    expect(await list({ customer: 'c5', onlyItems: [] })).toEqual([]);
  });

  it('boost: a factor lifts an item, and several multiply', async () => {
    const ranked = await plain();
    const last = ranked.filter(({ score }) => score > 0).at(-1)!;
    const lifted = await list({ customer: 'c5', limit: 20, boost: [{ items: [last.id], factor: 100 }] });
    expect(lifted[0]).toMatchObject({ id: last.id });
    expect(lifted[0]!.score).toBeCloseTo(last.score * 100, 4);
    const twice = await list({
      customer: 'c5',
      limit: 20,
      boost: [
        { items: [last.id], factor: 10 },
        { attribute: 'category', in: [kindOf(last.id)], factor: 10 },
      ],
    });
    expect(twice.find(({ id }) => id === last.id)!.score).toBeCloseTo(last.score * 100, 4);
  });

  it('boost: however many rules there are, scores stay numbers and the order of the others', async () => {
    const ranked = await list({ customer: 'c5', limit: 6 });
    const many = (items: string[], factor: number) => Array.from({ length: 50 }, () => ({ items, factor }));
    const loudest = await list({ customer: 'c5', limit: 6, boost: many([ranked[5]!.id], 100) });
    expect(ids(loudest)).toEqual([ranked[5], ...ranked.slice(0, 5)].map((one) => one!.id));
    expect(loudest[0]!.score / ranked[5]!.score).toBeCloseTo(1e6, -2);
    const quiet = await list({
      customer: 'c5',
      limit: 6,
      boost: many(ids(ranked), 0.01),
      onlyItems: ids(ranked),
    });
    expect(ids(quiet)).toEqual(ids(ranked));
  });

  it('bury: after everything else, where the rest does not fill the list', async () => {
    const ranked = ids(await list({ customer: 'c5', limit: 60 }));
    const best = ranked[0]!;
    const buried = ids(await list({ customer: 'c5', limit: 60, bury: [{ items: [best] }] }));
    expect(buried).toEqual([...ranked.slice(1), best]);
    expect(
      ids(await list({ customer: 'c5', limit: 5, bury: [{ attribute: 'category', in: [kindOf(best)] }] })),
    ).not.toContain(best);
  });

  it('pin: exact places, whatever the filters say', async () => {
    const ranked = ids(await plain());
    const bought = `i${recommender.profile(5).items[0]}`;
    const pinned = await list({
      customer: 'c5',
      limit: 6,
      excludeItems: [ranked[9]],
      pin: [
        { item: ranked[9], position: 1 },
        { item: bought, position: 4 },
        { item: 'i59', position: 7 },
      ],
    });
    expect(ids(pinned)).toEqual([ranked[9], ranked[0], ranked[1], bought, ranked[2], ranked[3]]);
    expect(pinned[3]!.reason).toBe('Placed here by the request.');
    for (const pin of [
      [{ item: 'i1', position: 2 }, { item: 'i2', position: 2 }], // prettier-ignore
      [{ item: 'i1', position: 2 }, { item: 'i1', position: 3 }], // prettier-ignore
    ])
      expect(await askRecommender(recommender, recommend.path, { customer: 'c5', pin })).toMatchObject({
        status: 422,
      });
  });

  it('caps: at most so many of one category, pinned ones counted', async () => {
    const atMost = 2;
    const capped = await list({
      customer: 'c5',
      limit: 10,
      caps: [{ attribute: 'category', atMost }],
      pin: [{ item: 'i0', position: 1 }],
    });
    expect(capped).toHaveLength(10);
    const counts = Object.groupBy(ids(capped), (id) => kindOf(id) ?? 'none');
    for (const [kind, those] of Object.entries(counts))
      if (kind !== 'none') expect(those!.length).toBeLessThanOrEqual(atMost);
    // The best are taken first: no item left out ranks above the last one of its category that was taken.
    const ranked = ids(await list({ customer: 'c5', limit: 60 }));
    for (const those of Object.values(counts)) {
      const listed = those!.filter((id) => id !== 'i0');
      const best = ranked.filter((id) => kindOf(id) === kindOf(listed[0] ?? 'i59') && id !== 'i0');
      expect(listed).toEqual(best.slice(0, listed.length));
    }
  });

  it('diversity: the first stays the best, and the others are less like each other', async () => {
    const [best] = await plain();
    const diverse = await list({ customer: 'c5', limit: 8, diversity: 0.9 });
    expect(diverse[0]!.id).toBe(best!.id);
    const groups = (items: readonly Item[]) => new Set(ids(items).map((id) => Number(id.slice(1)) % 4)).size;
    expect(groups(diverse)).toBeGreaterThan(groups(await list({ customer: 'c5', limit: 8 })));
    expect(await list({ customer: 'c5', limit: 20, diversity: 0 })).toEqual(await plain());
  });

  it('recent: orders since the training count as purchases; to a stranger they are all there is', async () => {
    const [first, second] = ids(await plain());
    const after = await list({ customer: 'c5', limit: 20, recent: [{ item: first }] });
    expect(ids(after)).not.toContain(first);
    expect(ids(after)).toContain(second);
    const again = await list({ customer: 'c5', slot: 'reorder', recent: [{ item: first }], limit: 60 });
    expect(ids(again)).toContain(first);
    const stranger = await askRecommender(recommender, recommend.path, {
      customer: 'nobody',
      recent: [{ item: 'i8', quantity: 3, at: new Date(NOW).toISOString() }, { item: 'i12' }],
    });
    expect(stranger.body.known).toBe(true);
    expect(Number(stranger.body.items[0].id.slice(1)) % 4).toBe(0);
    expect(stranger.body.items[0].reason).toMatch(/^Because you bought The i(8|12) \(once/);
  });

  it('quantities: as much as usual, in words', async () => {
    const [first] = await list({ customer: 'c5', slot: 'reorder', quantities: true, limit: 1 });
    expect(first!.quantity).toMatchObject({
      pack: null,
      reason: expect.stringMatching(/ a time in \d+ orders\.$/),
    });
    const discovered = await list({ customer: 'c5', quantities: true, limit: 1 });
    expect(discovered[0]!.quantity!.reason).toMatch(/^Half of \d+ order lines are for \d+ or more\.$/);
    expect((await plain())[0]!.quantity).toBeNull();
  });
});

describe('the other questions', () => {
  it('a next order mixes re-orders with discoveries at the share that is asked for', async () => {
    const again = ids(await list({ customer: 'c5', slot: 'reorder' }));
    const fresh = ids(await list({ customer: 'c5' }));
    const mixed = await list({ customer: 'c5', discoverShare: 0.5, limit: 4 }, nextOrder.path);
    expect(ids(mixed)).toEqual([again[0], fresh[0], again[1], fresh[1]]);
    expect(mixed.map(({ slot }) => slot)).toEqual(['reorder', 'discover', 'reorder', 'discover']);
    expect(mixed[0]!.reason).toMatch(/^Bought/);
    expect(ids(await list({ customer: 'c5', discoverShare: 1 }, nextOrder.path))).toEqual(fresh);
    const none = ids(await list({ customer: 'c5', discoverShare: 0 }, nextOrder.path));
    expect(none.slice(0, again.length)).toEqual(again);
    // A little diversity is a little, whatever the share: places are weighed, for scores of two models cannot be.
    const hardly = ids(await list({ customer: 'c5', discoverShare: 0, diversity: 0.001 }, nextOrder.path));
    expect(hardly).toEqual(none);
    // As learned: both keep their own order.
    const learned = ids(await list({ customer: 'c5', limit: 12 }, nextOrder.path));
    expect(learned).toHaveLength(12);
    for (const one of [again, fresh])
      expect(learned.filter((id) => one.includes(id))).toEqual(one.slice(0, learned.filter((id) => one.includes(id)).length)); // prettier-ignore
  });

  it('a given list is put in order, all of it, unknown keys named', async () => {
    const ranked = (await plain()).filter(({ score }) => score > 0).map(({ id }) => id);
    const given = [ranked[3]!, 'i-nothing', ranked[0]!, ranked[2]!];
    const { body } = await askRecommender(recommender, rerank.path, { customer: 'c5', items: given });
    expect(ids(body.items)).toEqual([ranked[0], ranked[2], ranked[3]]);
    expect(body.unknownItems).toEqual(['i-nothing']);
  });

  it('similar items take the same options', async () => {
    const near = ids(await list({ item: 'i9', limit: 8 }, similar.path));
    expect(near).not.toContain('i9');
    const filtered = await list(
      { item: 'i9', limit: 3, excludeItems: [near[0]], pin: [{ item: near[5], position: 1 }] },
      similar.path,
    );
    expect(ids(filtered)).toEqual([near[5], near[1], near[2]]);
  });

  it('likely buyers are those who buy what goes with an item', async () => {
    const body = { item: 'i9', limit: 10, excludeBuyers: false };
    const found = await list(body, likelyBuyers.path);
    // Items of one group go together, and customers of that group buy them.
    expect(found.map(({ id }) => Number(id.slice(1)) % 4)).toEqual(Array(10).fill(1));
    expect(found[0]!.reason).toMatch(/^Bought The i\d+ \(.*\), as those do who buy this\.$/);
    const fresh = await list({ ...body, excludeBuyers: true }, likelyBuyers.path);
    for (const { id } of fresh)
      expect(recommender.profile(recommender.customerId(id)!).items).not.toContain(9);
    const own = await askRecommender(recommender, likelyBuyers.path, {
      ...body,
      onlyCustomers: ['c1', 'c2', 'c13', 'cx'],
    });
    expect(ids(own.body.items).toSorted()).toEqual(['c1', 'c13', 'c2']);
    expect(ids(own.body.items)[2]).toBe('c2');
    expect(own.body.unknownCustomers).toEqual(['cx']);
  });

  it('what became of a recommendation is kept with who says it', async () => {
    logged.length = 0;
    outcomes.length = 0;
    await plain();
    const [{ recommendationId } = { recommendationId: '' }] = logged;
    const given = {
      recommendationId,
      outcomes: [{ outcome: 'shown' }, { outcome: 'ordered', item: 'i3', quantity: 4 }],
    };
    const { body } = await askRecommender(recommender, giveFeedback.path, given);
    expect(body).toEqual({ accepted: 2 });
    expect(outcomes).toEqual([
      { recommendationId, outcome: 'shown', actor: 'u1' },
      { recommendationId, outcome: 'ordered', actor: 'u1' },
    ]);
    const wrong = await askRecommender(recommender, giveFeedback.path, { ...given, recommendationId: 'x' });
    expect(wrong.status).toBe(422);
  });
});

it('feedback of another age is refused, for the warehouse would refuse all that came with it', async () => {
  const said = (at: string) =>
    askRecommender(recommender, giveFeedback.path, {
      recommendationId: 'r0123456789abc',
      outcomes: [{ outcome: 'shown' }, { outcome: 'ordered', item: 'i1', at }],
    });
  outcomes.length = 0;
  for (const at of ['0001-01-01T00:00:00Z', '2024-10-30T00:00:00Z', '2025-11-03T00:00:00Z'])
    expect(await said(at)).toMatchObject({
      status: 422,
      body: { issues: [{ path: 'outcomes.1.at', message: expect.stringContaining('365 days') }] },
    });
  expect(outcomes).toEqual([]);
  expect(await said('2025-10-31T23:00:00Z')).toMatchObject({ status: 200, body: { accepted: 2 } });
});

it('serves a thousand customers what is computed offline, id by id', async () => {
  for (const customer of recommender.customers.keys)
    for (const slot of ['reorder', 'discover'] as const)
      expect(ids(await list({ customer, slot, explain: false }))).toEqual(
        listFor(recommender, customer, slot),
      );
}, 60_000);
