import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { getHistory, listCustomers, type Recommendation, recommend, similar } from '#core/api/recommend';

const ITEMS = [
  { id: 'HB-M8-40', name: 'Hex bolt M8 × 40' },
  { id: 'WA-M8', name: 'Washer M8' },
  { id: 'AN-115', name: 'Angle grinder disc 115 mm' },
];

/** A recommender service at the wire: fixed answers in the contracts' form, to be called from another origin. */
export async function startStubRecommender(): Promise<{ url: string; stop: () => Promise<void> }> {
  const answers = new Map<string, (body: Readonly<Record<string, unknown>>) => unknown>([
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
  const server = createServer((request, response) => {
    response.setHeader('access-control-allow-origin', request.headers.origin ?? '*');
    response.setHeader('access-control-allow-headers', 'authorization, content-type');
    if (request.method === 'OPTIONS') return response.writeHead(204).end();
    const answer = answers.get(request.url ?? '');
    if (answer === undefined || request.headers.authorization === undefined)
      return response.writeHead(answer === undefined ? 404 : 401).end();
    return void bodyOf(request).then((body) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer(body))),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
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

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return Object(JSON.parse(text === '' ? '{}' : text));
}
