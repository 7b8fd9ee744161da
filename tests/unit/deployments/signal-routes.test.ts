import {
  listAccountsAtRisk,
  listDue,
  listForgotten,
  listSupersessions,
  listWhiteSpace,
} from '../../../functions/core/api/account-signals.ts';
import { signalRoutes } from '../../../functions/deployments/signal-routes.ts';
import { makeArtifactWriter, openArtifact } from '../../../functions/recommender/artifact.ts';
import { loadSignals, saveSignals, type Signals } from '../../../functions/recommender/signals/fit.ts';
import { answer, type Gate } from '../../../functions/runtime/answer.ts';
import { everyDays, signalsOf } from '#tests/habits';
import { catalogue, type Line } from '#tests/purchases';

/*
 * Thirty customers of two trades, c0 … c14 and c15 … c29, each with items of two categories, every thirty days. c0 lacks
 * one category, c1 fell silent in the middle of the year, c2 buys a third since autumn; i16 replaced i15 in summer.
 */
const CATEGORIES = 'AAAABBBBCCCCDDDD';
const keys = Array.from({ length: 17 }, (_, item) => `i${item}`);
const items = {
  keys,
  names: keys.map((key) => `The ${key}`),
  categories: keys.map((_, item) => CATEGORIES[item] ?? 'D'),
};
const lines: Line[] = [];
for (let customer = 0; customer < 30; customer++) {
  const from = customer < 15 ? 0 : 8;
  for (let n = 0; n < 8; n++) {
    const item = from + n;
    if ((customer === 0 && CATEGORIES[item] === 'B') || item === 15) continue;
    const until = customer === 1 ? 200 : 720;
    const bought = everyDays([customer, item], { every: 30, from: (n * 7) % 30, until });
    for (const [c, i, day] of bought) lines.push([c, i, day, customer === 2 && day > 620 ? 3 : 10]);
  }
  if (customer >= 15) {
    lines.push(...everyDays([customer, 15], { every: 30, from: 5, until: 400 }));
    lines.push(...everyDays([customer, 16], { every: 30, from: 425, until: 720 }));
  }
}
const { signals } = signalsOf(lines, { customers: 30, items: 17 }, items);

/** As the service has them: from an artifact's bytes. */
function loaded(saved = signals): Signals {
  const writer = makeArtifactWriter();
  saveSignals(writer.scope('signals'), saved);
  return loadSignals(openArtifact(writer.finish()).scope('signals'), signals.history);
}

const customers = catalogue('c', 30);
const served = {
  customers,
  items,
  history: signals.history,
  signals: loaded(),
  customerId: (key: string) => (customers.keys.includes(key) ? customers.keys.indexOf(key) : null),
  itemId: (key: string) => (keys.includes(key) ? keys.indexOf(key) : null),
};

async function ask(path: string, body: object, from: Parameters<typeof signalRoutes>[0] = served) {
  const gate: Gate = {
    identities: { verify: () => Promise.resolve({ uid: 'u1', email: null }) },
    membership: () => Promise.resolve({ tenant: { status: 'active' } as never, role: 'viewer' }),
    tenant: 't1234',
    verifier: () => Promise.resolve(false),
    onFailure: (error) => {
      throw error;
    },
    makeRequestId: () => 'request-1',
  };
  const result = await answer(signalRoutes(from, 'v1234'), gate, {
    method: 'POST',
    url: path,
    headers: { 'content-type': 'application/json', authorization: 'Bearer a-token' },
    body: Buffer.from(JSON.stringify(body)),
  });
  return { status: result.status, body: JSON.parse(result.body) };
}

it('keeps signals through an artifact as they were', () => {
  expect(loaded()).toEqual(signals);
});

describe('due', () => {
  it('lists what a representative’s customers are due to order, surest first, and names strangers', async () => {
    const { status, body } = await ask(listDue.path, { customers: ['c3', 'c20', 'x'], withinDays: 14 });
    expect(status).toBe(200);
    expect(body).toMatchObject({ version: 'v1234', unknown: ['x'], next: null });
    const sure = body.items.map((one: { confidence: number }) => one.confidence);
    expect(sure).toEqual([...sure].sort((a: number, b: number) => b - a));
    expect(new Set(body.items.map((one: { customer: { id: string } }) => one.customer.id))).toEqual(
      new Set(['c3', 'c20']),
    );
    expect(body.items[0].reason).toMatch(
      /^Bought on \d+ days, about every 30 days, last on 2026-\d\d-\d\d: /,
    );
  });

  it('gives the rest on the next page, and less where more confidence is asked for', async () => {
    const all = (await ask(listDue.path, { customers: ['c3', 'c20'], withinDays: 30 })).body.items;
    const first = (await ask(listDue.path, { customers: ['c3', 'c20'], withinDays: 30, limit: 4 })).body;
    const more = { customers: ['c3', 'c20'], withinDays: 30, limit: 1000, after: first.next };
    expect([...first.items, ...(await ask(listDue.path, more)).body.items]).toEqual(all);
    const sure = await ask(listDue.path, { customers: ['c3'], withinDays: 30, leastConfidence: 0.99 });
    expect(sure.body.items.length).toBeLessThan(all.length / 2);
    expect((await ask(listDue.path, { customers: ['c3'], after: '-1' })).status).toBe(422);
  });
});

it('asks whether the basket lacks what goes with it, with and without a customer', async () => {
  const known = await ask(listForgotten.path, { customer: 'c3', basket: ['i0', 'nonsense'] });
  expect(known.body.known).toBe(true);
  expect(known.body.items[0]).toMatchObject({ quantity: 10, because: expect.stringMatching(/due|together/) });
  const stranger = await ask(listForgotten.path, { basket: ['i0'], limit: 1 });
  expect(stranger.body.known).toBe(false);
  for (const one of stranger.body.items) expect(one).toMatchObject({ because: 'together', quantity: null });
});

it('names the category that a customer buys elsewhere', async () => {
  const { body } = await ask(listWhiteSpace.path, { customers: ['c0', 'c3'] });
  expect(body.items).toHaveLength(1);
  expect(body.items[0]).toMatchObject({ customer: { id: 'c0' }, category: 'B', similar: 14, of: 14 });
  expect(body.items[0].items[0].id).toMatch(/^i[4-7]$/);
  expect(body.items[0].yearlyValue).toBeGreaterThan(1000);
});

describe('accounts at risk', () => {
  it('are those that fell silent or buy less, with why', async () => {
    const { body } = await ask(listAccountsAtRisk.path, {});
    const found = body.items.map((one: { customer: { id: string }; kind: string }) => [
      one.customer.id,
      one.kind,
    ]);
    expect(found.sort()).toEqual([
      ['c1', 'lapsed'],
      ['c2', 'shrinking'],
    ]);
    const reasons = body.items.map((one: { reason: string }) => one.reason).join('\n');
    expect(reasons).toMatch(/Silent for 5\d\d days, usually every \d+ days/);
    expect(reasons).toMatch(/\d+ in the last 12 weeks where \d+ were to be expected/);
  });

  it('are looked for among the customers and kinds that are asked about', async () => {
    const asked = { customers: ['c1', 'c2', 'c5', 'nobody'], kinds: ['shrinking'] };
    const { body } = await ask(listAccountsAtRisk.path, asked);
    expect(body.unknown).toEqual(['nobody']);
    expect(body.items.map((one: { customer: { id: string } }) => one.customer.id)).toEqual(['c2']);
  });
});

it('tells which item took the place of one that ended', async () => {
  const { body } = await ask(listSupersessions.path, {});
  expect(body.items).toMatchObject([{ ended: { id: 'i15' }, successor: { id: 'i16' }, moved: 15, of: 15 }]);
});

it('says what to do where the version was trained before there were signals', async () => {
  const { body } = await ask(listDue.path, { customers: ['c3'] }, { ...served, signals: null });
  expect(body).toMatchObject({
    code: 'artifact-incomplete',
    remedy: expect.stringMatching(/Train and deploy/),
  });
});

it('an artifact that names an article which is not there is refused', () => {
  const [first] = signals.supersessions;
  const beyond = { ...signals, supersessions: [{ ...first!, successor: 17 }] };
  expect(() => loaded(beyond)).toThrow("a supersession's successor item is 17, of 17 items");
});
