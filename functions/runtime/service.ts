import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { openIdentities } from '#cloud/auth';
import { findKey, hashOfToken, noteUse } from '#store/api-keys';
import { keyState } from '#core/api-key';
import { toMoment } from '#core/ids';
import { membershipIn, tenantIn } from './admission.ts';
import { answer, type Gate, type Route } from './answer.ts';
import { auditDenials, type DenialAudit } from './denial.ts';
import type { Log } from './log.ts';
import { type Platform, platform } from './platform.ts';
import { type RawAnswer, refusal } from './problem.ts';
import { remember, rememberSignIns } from './remember.ts';
import { readBody } from './request-body.ts';

/** What a container service sets up before it answers. */
export interface ServiceSpec {
  /** The tenant it serves: a place in it is asked of every caller. */
  readonly tenant: string;
  /** The model it serves: keys for another are refused. */
  readonly model: string;
  readonly routes: readonly Route[];
  /** Whether `token` is the deployment's signature of `body`, for routes whose access is `verifier`. */
  readonly verifier: (token: string, body: Uint8Array) => Promise<boolean>;
  /** Answers GET `healthPath` to anyone: the platform's probe. */
  readonly healthPath: string;
  readonly health: () => unknown;
  /** Told of every answer but the probe's: its path, its status, and how long it took. */
  readonly onAnswer?: (path: string, status: number, milliseconds: number) => void;
  /** Where the service's lines go; stdout alone where it does not say. */
  readonly log?: Log;
  /** Writes what is still in memory (logs) before the process ends. */
  readonly close: () => Promise<void>;
}
export type ServiceHandler = (here: Platform, env: NodeJS.ProcessEnv) => Promise<ServiceSpec>;

/** Longer than the platform's front end keeps a connection (10 minutes): it must never meet one that just ended. */
const KEEP_ALIVE_MS = 620_000;

/** Serves until `signal` fires, then finishes what is under way. @returns the exit code. */
export async function runService(
  name: string,
  handler: ServiceHandler,
  signal: AbortSignal,
): Promise<number> {
  const here = platform(name);
  const spec = await handler(here, process.env);
  const log = spec.log ?? here.log;
  const denials = auditDenials(here.store);
  const gate = gateOf(here, spec, denials.note);
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    respond(spec, gate, here.config.webOrigins, request, response).catch((error: unknown) => {
      log.error('connection failed', { error: String(error) });
      response.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(Number(process.env['PORT'] ?? 8080), process.env['HOST'] ?? '0.0.0.0', resolve);
  });
  log.info('service ready');
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
  await denials.settled();
  await spec.close();
  return 0;
}

async function respond(
  spec: ServiceSpec,
  gate: Gate,
  origins: readonly string[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const cors = corsHeaders(origins, request.headers.origin);
  const began = performance.now();
  const send = (result: RawAnswer) => {
    response.writeHead(result.status, { ...result.headers, ...cors }).end(result.body);
    const path = (request.url ?? '/').replace(/\?.*/s, '');
    if (path !== spec.healthPath) spec.onAnswer?.(path, result.status, performance.now() - began);
  };
  if (request.method === 'OPTIONS') {
    response.writeHead(204, cors).end();
    return;
  }
  if (request.method === 'GET' && request.url === spec.healthPath) {
    send({
      status: 200,
      headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
      body: JSON.stringify(spec.health()),
    });
    return;
  }
  let body: Uint8Array;
  try {
    body = await readBody(request);
  } catch (error) {
    send(refusal(error, randomUUID()));
    return;
  }
  send(
    await answer(spec.routes, gate, {
      method: request.method ?? 'GET',
      url: request.url ?? '/',
      headers: request.headers,
      body,
    }),
  );
}

function corsHeaders(origins: readonly string[], origin: string | undefined): Record<string, string> {
  if (origin === undefined || !origins.includes(origin)) return {};
  return {
    'access-control-allow-origin': origin,
    'access-control-allow-headers': 'authorization, content-type, x-request-id',
    'access-control-allow-methods': 'GET, POST',
    'access-control-max-age': '3600',
    vary: 'Origin',
  };
}

function gateOf({ store, config, log }: Platform, spec: ServiceSpec, denied: DenialAudit['note']): Gate {
  const byHash = remember(hashOfToken, (token: string) => findKey(store, token), store.clock);
  return {
    identities: rememberSignIns(openIdentities(config.projectId), store.clock),
    async findKey(token) {
      const found = await byHash(token);
      // One that has expired since it was looked up is refused at once.
      return found !== null && keyState(found.key, toMoment(store.clock())) === 'active' ? found : null;
    },
    keyUsed: (found) => noteUse(store, found),
    membership: remember((tenant, uid) => `${tenant}\n${uid}`, membershipIn(store), store.clock),
    tenantOf: remember((tenant) => tenant, tenantIn(store), store.clock),
    tenant: spec.tenant,
    model: spec.model,
    verifier: spec.verifier,
    denied,
    makeRequestId: randomUUID,
    onFailure: (error, requestId) => log.error('request failed', { requestId, error: inspect(error) }),
  };
}
