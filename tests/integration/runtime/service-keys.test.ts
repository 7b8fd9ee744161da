import { once } from 'node:events';
import { createServer } from 'node:net';
import { z } from 'zod';
import type { KeyScope } from '#core/access';
import { contract } from '#core/api/contract';
import { createKey } from '#core/api/keys';
import { makeClient } from '#core/api/client';
import { route } from '#runtime/answer';
import { disconnect } from '#runtime/platform';
import { runService } from '#runtime/service';
import { type Account, openAccount, refusalOf } from '#tests/account';
import { eventually } from '#tests/eventually';

const ask = contract({
  method: 'POST',
  path: '/v1/ask',
  access: 'recommend',
  summary: 'Ask.',
  answer: z.object({ actor: z.string() }),
});

const stopping = new AbortController();
let account: Account;
let url: string;
let ended: Promise<number>;
beforeAll(async () => {
  account = await openAccount();
  const free = createServer().listen(0, '127.0.0.1');
  await once(free, 'listening');
  const address = free.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  free.close();
  Object.assign(process.env, { PORT: String(address.port), HOST: '127.0.0.1' });
  url = `http://127.0.0.1:${address.port}`;
  ended = runService(
    'deployments-recommender',
    async () => ({
      tenant: account.params.tenant,
      model: account.params.model,
      routes: [route(ask, async ({ caller }) => ({ actor: caller.actor }))],
      verifier: () => Promise.resolve(false),
      healthPath: '/v1/health',
      health: () => ({ status: 'ok' }),
      close: () => Promise.resolve(),
    }),
    stopping.signal,
  );
  await eventually('the service', () =>
    fetch(`${url}/v1/health`).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
});
afterAll(async () => {
  stopping.abort();
  await ended;
  await disconnect();
});

async function callerWith(of: Account, scopes: KeyScope[], model: string | null = null) {
  const body = { name: 'Shop', scopes, model };
  const { token, key } = await of.call(createKey, { params: { tenant: of.params.tenant }, body });
  const call = makeClient({ baseUrl: url, token: async () => token, fetch });
  return { id: key.id, token, ask: () => call(ask, {}) };
}

test('a container that serves one model takes keys of its tenant that may recommend, for all models or this one', async () => {
  const shop = await callerWith(account, ['recommend']);
  const bound = await callerWith(account, ['recommend'], account.params.model);
  expect(await shop.ask()).toEqual({ actor: `key:${shop.id}` });
  expect(await bound.ask()).toEqual({ actor: `key:${bound.id}` });
  const byHeader = await fetch(`${url}/v1/ask`, { method: 'POST', headers: { 'x-api-key': shop.token } });
  expect(byHeader.status).toBe(200);

  expect(await refusalOf((await callerWith(account, ['read'])).ask())).toMatchObject({ status: 403 });
  const foreign = await callerWith(await openAccount(), ['recommend']);
  expect(await refusalOf(foreign.ask())).toMatchObject({ status: 404, code: 'not-found' });
  const bad = await fetch(`${url}/v1/ask`, { method: 'POST', headers: { 'x-api-key': `${shop.token}x` } });
  expect(bad.status).toBe(401);
});
