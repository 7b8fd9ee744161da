import type { BrowserContext } from 'playwright-core';
import { getHistory, listCustomers, type Recommendation, recommend, similar } from '#core/api/recommend';

const ITEMS = [
  { id: 'HB-M8-40', name: 'Hex bolt M8 × 40' },
  { id: 'WA-M8', name: 'Washer M8' },
  { id: 'AN-115', name: 'Angle grinder disc 115 mm' },
];

/** Where the stub answers: an address as Cloud Run gives, which the pages' security policy allows. */
export const STUB_URL = 'https://recommender-test.run.app';

/** What each contract answers to a body. */
const ANSWERS = new Map<string, (body: Readonly<Record<string, unknown>>) => unknown>([
  [
    listCustomers.path,
    ({ search }) => ({
      items: [
        { id: '1001', name: 'Nordwerk GmbH', items: 42 },
        { id: '1002', name: 'Van Dijk Bouw', items: 7 },
      ].filter(({ name }) => name.toLowerCase().includes(textOf(search).toLowerCase())),
    }),
  ],
  [
    getHistory.path,
    ({ customer }) => ({
      customer: { id: customer, name: 'Nordwerk GmbH' },
      items: [{ ...ITEMS[0], orders: 12, quantity: 4800, lastBought: '2026-10-01T08:00:00.000Z' }],
    }),
  ],
  [recommend.path, (body) => recommendation(textOf(body['slot']), 'basket' in body)],
  [similar.path, () => recommendation('discover', false)],
]);

/** A recommender service at the wire, for the pages of `context`: fixed answers in the contracts' form at STUB_URL. */
export async function answerAsRecommender(context: BrowserContext): Promise<void> {
  await context.route(`${STUB_URL}/**`, async (route) => {
    const request = route.request();
    const answer = ANSWERS.get(new URL(request.url()).pathname);
    const headers = { 'access-control-allow-origin': '*' };
    if (answer === undefined || request.headers()['authorization'] === undefined)
      return route.fulfill({ status: answer === undefined ? 404 : 401, headers });
    return route.fulfill({ json: answer(Object(request.postDataJSON() ?? {})), headers });
  });
}

/** The recommender cannot be reached any more from the pages of `context`. */
export async function loseRecommender(context: BrowserContext): Promise<void> {
  await context.route(`${STUB_URL}/**`, (route) => route.abort('connectionrefused'));
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : '');

function recommendation(slot: string, basket: boolean): Recommendation {
  const items = slot === 'reorder' ? ITEMS.slice(0, 1) : ITEMS.slice(1);
  return recommend.answer.parse({
    recommendationId: 'r1',
    version: 'vone1',
    known: true,
    items: items.map((item, index) => ({
      ...item,
      slot,
      score: 0.9 - index / 10,
      reason: basket ? 'Bought together with Hex bolt M8' : 'Because you bought Hex bolt M8 (12 times)',
    })),
  });
}
