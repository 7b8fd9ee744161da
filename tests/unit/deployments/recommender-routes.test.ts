import { recommend } from '../../../functions/core/api/recommend.ts';
import { signVerification } from '../../../functions/core/api/verify.ts';
import { TrainingConfig } from '../../../functions/core/training-config.ts';
import { compareLists } from '../../../functions/deployments/smoke-test.ts';
import { offlineLists } from '../../../functions/recommender/offline-lists.ts';
import { openRecommender, type Recommender } from '../../../functions/recommender/recommend.ts';
import { train } from '../../../functions/recommender/train.ts';
import { askRecommender, logged, NOW, VERIFY_KEY } from '#tests/ask-recommender';
import { wholesaler } from '#tests/purchases';

let recommender: Recommender;

beforeAll(async () => {
  const config = TrainingConfig.parse({ preset: 'quick', trials: 4 });
  recommender = openRecommender((await train({ ...wholesaler(), config, now: NOW })).artifact);
});

const ask = (path: string, body: object, token?: string, served = recommender) =>
  askRecommender(served, path, body, token);

describe('recommend', () => {
  it('offers a known customer products by name, with reasons, and logs the answer', async () => {
    logged.length = 0;
    const { status, body } = await ask(recommend.path, { customer: 'c5' });
    expect(status).toBe(200);
    expect(body).toMatchObject({ known: true, version: 'v1234' });
    expect(body.items).toHaveLength(10);
    expect(body.items[0]).toMatchObject({ name: expect.stringMatching(/^The i/), slot: 'discover' });
    expect(body.items[0].reason).toMatch(/^Because you bought The i\d+ \(/);
    expect(logged).toHaveLength(1);
    expect(logged[0]).toMatchObject({
      recommendationId: body.recommendationId,
      customer: 'c5',
      slot: 'discover',
      items: body.items.map(({ id }: { id: string }) => id),
      at: new Date(NOW).toISOString(),
    });
  });

  it('says when a re-order is due', async () => {
    const { body } = await ask(recommend.path, { customer: 'c5', slot: 'reorder', limit: 3 });
    expect(body.items).toHaveLength(3);
    expect(body.items[0].reason).toMatch(/^Bought \d+ times, about every \d+ days, last \d+ days ago\.$/);
  });

  it('answers a stranger with popular items, saying so', async () => {
    const { body } = await ask(recommend.path, { customer: 'nobody' });
    expect(body.known).toBe(false);
    expect(body.items[0].reason).toMatch(/^Popular: \d+ of 120 customers/);
  });

  it('completes a basket, leaving out what is in it and what the caller excludes', async () => {
    const first = await ask(recommend.path, { basket: ['i8', 'i12', 'unknown'] });
    const ids = first.body.items.map(({ id }: { id: string }) => id);
    expect(first.body.known).toBe(true);
    expect(ids).not.toContain('i8');
    const second = await ask(recommend.path, { basket: ['i8', 'i12'], excludeItems: [ids[0]] });
    expect(second.body.items[0].id).toBe(ids[1]);
  });

  it('refuses to re-order from a basket, saying what to ask instead', async () => {
    const { status, body } = await ask(recommend.path, { basket: ['i8'], slot: 'reorder' });
    expect(status).toBe(422);
    expect(body.detail).toMatch(/slot: a basket has no earlier purchases.*"discover"/);
  });

  it('lists bought items too where asked, and no reasons where none are wanted', async () => {
    const { body } = await ask(recommend.path, {
      customer: 'c5',
      excludeBought: false,
      explain: false,
      limit: 60,
    });
    const bought = recommender.profile(5).items.length;
    expect(body.items.length).toBeGreaterThan(60 - bought);
    expect(body.items.every(({ reason }: { reason: string }) => reason === '')).toBe(true);
  });
});

it('lists similar items; an unknown item is an error that names it', async () => {
  const { body } = await ask('/v1/similar', { item: 'i9', limit: 4 });
  expect(body.items).toHaveLength(4);
  expect(body.items[0].reason).toBe('Bought by the same customers as The i9.');
  const unknown = await ask('/v1/similar', { item: 'bolt' });
  expect(unknown.status).toBe(404);
  expect(unknown.body.detail).toMatch(/"bolt"/);
});

it('tells a customer’s history, most often first, and finds customers by key or name', async () => {
  const { body } = await ask('/v1/history', { customer: 'c5', limit: 5 });
  const orders = body.items.map((one: { orders: number }) => one.orders);
  expect(orders).toEqual([...orders].sort((a: number, b: number) => b - a));
  expect((await ask('/v1/history', { customer: 'x' })).status).toBe(404);
  const found = await ask('/v1/customers', { search: 'the C11', limit: 20 });
  expect(found.body.items.map(({ id }: { id: string }) => id)).toEqual(
    ['c11', 'c110', 'c111', 'c112', 'c113', 'c114', 'c115', 'c116', 'c117', 'c118', 'c119'], // prettier-ignore
  );
});

describe('the verifier', () => {
  it('gets the offline lists, id by id, and only with its signature', async () => {
    const offline = offlineLists(recommender);
    const asked = {
      lists: offline.slice(0, 100).map(({ customer, slot }) => ({ customer, slot })),
      limit: 10,
    };
    const token = await signVerification(
      VERIFY_KEY,
      'd1234',
      NOW + 60_000,
      Buffer.from(JSON.stringify(asked)),
    );
    const { status, body } = await ask('/v1/verify', asked, token);
    expect(status).toBe(200);
    expect(body.lists).toEqual(offline.slice(0, 100));
    expect((await ask('/v1/verify', asked, 'somebody-else')).status).toBe(401);
  });

  it('is answered by what answers customers: a filter that is wrong there is wrong here', async () => {
    // As if the route had the filter the wrong way round.
    const inverted: Recommender = {
      ...recommender,
      recommend: (profile, options) =>
        recommender.recommend(profile, { ...options, includeBought: options.includeBought === false }),
    };
    const [expected] = offlineLists(recommender).filter(({ slot }) => slot === 'discover');
    const { customer, slot } = expected!;
    const served = await ask(recommend.path, { customer, slot }, 'a-token', inverted);
    const asked = { lists: [{ customer, slot }] };
    const token = await signVerification(
      VERIFY_KEY,
      'd1234',
      NOW + 60_000,
      Buffer.from(JSON.stringify(asked)),
    );
    logged.length = 0;
    const { body } = await ask('/v1/verify', asked, token, inverted);
    expect(body.lists[0].items).toEqual(served.body.items.map(({ id }: { id: string }) => id));
    expect(compareLists([expected!], body.lists)).toMatch(/as served and .* as computed in training/);
    // It is no recommendation to anybody.
    expect(logged).toEqual([]);
  });

  it('gets exactly what customers are served', async () => {
    for (const { customer, slot, items } of offlineLists(recommender).slice(0, 40)) {
      const served = await ask(recommend.path, { customer, slot });
      expect(served.body.items.map(({ id }: { id: string }) => id)).toEqual(items);
    }
  });
});
