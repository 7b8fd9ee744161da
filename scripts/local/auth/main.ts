/**
 * The Auth emulator inside firebase-tools, without its command line: it listens after 2–4 s instead of 11–15 s.
 * Accounts are written to a file right after a request that may have changed them, and read at the start.
 *
 * Private API of firebase-tools (its version is pinned): `createApp(project, mode, states)`, `AgentProjectState`.
 */
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import { createRequire } from 'node:module';
import { KEEP_ALIVE_MS } from '../proxy.ts';
import { announceReady, onShutdown, pieceArguments } from '../announce.ts';
import { readAccounts, writeAccounts } from './accounts.ts';
import type { AccountState } from './accounts.ts';

/**
 * What the product, its tests and the Admin SDK use: sign-up and sign-in by password, link, provider and custom token,
 * refreshing, one-time codes, and the administration of accounts. Phones, SAML, games and tenants are left out, and so are
 * the schemas of the answers (the emulator's check of itself): compiling validators is most of the start, 2.4 s instead
 * of 4.2 s of processor time.
 */
const USED =
  /^\/(v1\/accounts:(createAuthUri|delete|lookup|resetPassword|sendOobCode|signInWith(CustomToken|EmailLink|Idp|Password)|signUp|update)|v1\/projects\/\{targetProjectId\}(\/accounts|:queryAccounts)|v1\/projects|v1\/token|emulator\/v1\/projects\/\{targetProjectId\}\/(accounts|oobCodes))(:\w+)?$/;

interface ApiSpec {
  readonly paths: Record<string, Record<string, { responses?: object }>>;
}

const UNCHECKED = { default: { description: 'anything', content: { '*/*': { schema: {} } } } };

const { port, dir, project } = pieceArguments('port', 'dir', 'project');
const require = createRequire(import.meta.url);

// Typed by hand: firebase-tools publishes no types for these. Checked by the tests that sign in.
const spec = (require('firebase-tools/lib/emulator/auth/apiSpec.js') as { default: ApiSpec }).default;
for (const path of Object.keys(spec.paths)) if (!USED.test(path)) delete spec.paths[path];
for (const operation of Object.values(spec.paths).flatMap((path) => Object.values(path)))
  if (operation.responses !== undefined) operation.responses = UNCHECKED;
const { AgentProjectState } = require('firebase-tools/lib/emulator/auth/state.js') as {
  AgentProjectState: new (project: string) => AccountState;
};
const { createApp } = require('firebase-tools/lib/emulator/auth/server.js') as {
  createApp: (
    project: string,
    mode: undefined,
    states: Map<string, AccountState>,
  ) => Promise<RequestListener>;
};

const state = new AgentProjectState(project);
readAccounts(dir, state);
const app = await createApp(project, undefined, new Map([[project, state]]));

/** POSTs that only ask: every call of the API looks its caller up. */
const ASKS = /:(lookup|query|createAuthUri)(\?|$)/;
/** Changes that come together are written together. */
const SETTLE_MS = 50;

let saving: NodeJS.Timeout | undefined;
const save = (): void => {
  clearTimeout(saving);
  saving = undefined;
  writeAccounts(dir, state);
};
const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
  const asks = request.method === 'GET' || request.method === 'OPTIONS' || ASKS.test(request.url ?? '');
  if (!asks) response.once('finish', () => (saving ??= setTimeout(save, SETTLE_MS)));
  app(request, response);
});
server.listen(Number(port), '127.0.0.1', () => announceReady({ port: Number(port) }));
onShutdown(save);
