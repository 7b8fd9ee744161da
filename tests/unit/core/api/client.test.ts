import { z } from 'zod';
import { makeClient } from '#core/api/client';
import { contract } from '#core/api/contract';

const show = contract({
  method: 'GET',
  path: '/api/things/{thing}',
  access: 'signed-in',
  summary: 'Show.',
  answer: z.object({ turn: z.int() }),
});

/** A server that refuses the first `refusals` calls for `seconds`. */
function serverOf(refusals: number, seconds: string) {
  let turn = 0;
  const answer = () => {
    turn += 1;
    const problem = {
      type: 't',
      title: 't',
      status: 429,
      code: 'rate-limited',
      detail: 'Too many.',
      remedy: null,
      requestId: 'r',
    };
    return Promise.resolve(
      turn <= refusals
        ? new Response(JSON.stringify(problem), { status: 429, headers: { 'retry-after': seconds } })
        : new Response(JSON.stringify({ turn })),
    );
  };
  return { answer, asked: () => turn };
}
const client = (fetch: () => Promise<Response>, patience?: number) =>
  makeClient({
    baseUrl: '',
    token: () => Promise.resolve('t'),
    fetch,
    ...(patience === undefined ? {} : { patience }),
  });

test('what was refused because there were too many is sent again when the answer says', async () => {
  const { answer } = serverOf(2, '0.01');
  expect(await client(answer, 1)(show, { params: { thing: 'a' } })).toEqual({ turn: 3 });
});

test('without patience, or where it would take longer, the refusal is told', async () => {
  for (const [seconds, patience] of [
    ['0.01', undefined],
    ['30', 10],
  ] as const) {
    const { answer, asked } = serverOf(1, seconds);
    await expect(client(answer, patience)(show, { params: { thing: 'a' } })).rejects.toThrow('Too many.');
    expect(asked()).toBe(1);
  }
});

test('patience comes to an end', async () => {
  const { answer, asked } = serverOf(100, '0.04');
  await expect(client(answer, 0.1)(show, { params: { thing: 'a' } })).rejects.toThrow('Too many.');
  expect(asked()).toBe(3);
});
