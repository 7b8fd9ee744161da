import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { openIdentities } from '#cloud/auth';
import { answer, type Gate, type Membership, membershipIn, type Route } from './answer.ts';
import { type Platform, platform } from './platform.ts';
import { type RawAnswer, refusal } from './problem.ts';
import { readBody } from './request-body.ts';

/** What a container service sets up before it answers. */
export interface ServiceSpec {
  /** The tenant it serves: membership of it is asked of every caller. */
  readonly tenant: string;
  readonly routes: readonly Route[];
  /** Whether `token` is the deployment's signature of `body`, for routes whose access is `verifier`. */
  readonly verifier: (token: string, body: Uint8Array) => Promise<boolean>;
  /** Answers GET `healthPath` to anyone: the platform's probe. */
  readonly healthPath: string;
  readonly health: () => unknown;
  /** Writes what is still in memory (logs) before the process ends. */
  readonly close: () => Promise<void>;
}
export type ServiceHandler = (here: Platform, env: NodeJS.ProcessEnv) => Promise<ServiceSpec>;

/** Longer than the platform's front end keeps a connection (10 minutes): it must never meet one that just ended. */
const KEEP_ALIVE_MS = 620_000;

/** How long a membership read is trusted: a removed member is refused after at most this. */
const MEMBERSHIP_SECONDS = 60;

/** Serves until `signal` fires, then finishes what is under way. @returns the exit code. */
export async function runService(
  name: string,
  handler: ServiceHandler,
  signal: AbortSignal,
): Promise<number> {
  const here = platform(name);
  const spec = await handler(here, process.env);
  const gate: Gate = {
    identities: openIdentities(here.config.projectId),
    membership: cached(membershipIn(here.store), here.store.clock),
    tenant: spec.tenant,
    verifier: spec.verifier,
    makeRequestId: randomUUID,
    onFailure: (error, requestId) =>
      here.log.error('request failed', {
        requestId,
        error: inspect(error),
      }),
  };
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    respond(spec, gate, here.config.webOrigins, request, response).catch((error: unknown) => {
      here.log.error('connection failed', { error: String(error) });
      response.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(Number(process.env['PORT'] ?? 8080), process.env['HOST'] ?? '0.0.0.0', resolve);
  });
  here.log.info('service ready');
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
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
  const send = (result: RawAnswer) =>
    response.writeHead(result.status, { ...result.headers, ...cors }).end(result.body);
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

function cached(readMembership: Gate['membership'], clock: () => number): Gate['membership'] {
  const known = new Map<string, { until: number; membership: Membership | null }>();
  return async (tenant, uid) => {
    const key = `${tenant}\n${uid}`;
    const hit = known.get(key);
    if (hit !== undefined && hit.until > clock()) return hit.membership;
    const membership = await readMembership(tenant, uid);
    // Bounded: an attacker with many accounts must not fill the memory.
    if (known.size > 10_000) known.clear();
    known.set(key, { until: clock() + MEMBERSHIP_SECONDS * 1000, membership });
    return membership;
  };
}
