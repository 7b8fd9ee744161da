import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import type { HttpFunction } from '@google-cloud/functions-framework';
import { openIdentities } from '#cloud/auth';
import { paths } from '#core/paths';
import { findKey, noteUse } from '#store/api-keys';
import { rememberCalls } from '#store/idempotency';
import { openRateLimiter } from '#store/rate-limit';
import { membershipIn, tenantIn } from './admission.ts';
import { answer, type Gate, type Route } from './answer.ts';
import { rememberCounters } from './counters.ts';
import { auditDenials } from './denial.ts';
import { makeLanes } from './lanes.ts';
import { type Platform, platform } from './platform.ts';
import { rememberSignIns } from './remember.ts';

/** As the framework leaves it; the types do not know. */
const withDomain: NodeJS.Process & { readonly domain?: { exit(): void } | null } = process;

/** One set for the process, whichever of its functions is called. */
const admissions = makeLanes();
const work = makeLanes();

/**
 * An HTTP function that answers `routes`. They are made at the first request, so that loading a function costs nothing
 * and reads no environment.
 */
export function serve(name: string, routes: (platform: Platform) => readonly Route[]): HttpFunction {
  let ready: { routes: readonly Route[]; gate: Gate } | undefined;
  return async (request, response) => {
    // The framework puts each request into a domain (node:domain), which is entered and left around every callback that
    // follows: a fifth of a request's processor time. Whatever goes wrong is caught in `answer`, so nothing needs it.
    withDomain.domain?.exit();
    ready ??= prepare(name, routes);
    const result = await answer(ready.routes, ready.gate, {
      method: request.method,
      url: request.originalUrl,
      headers: request.headers,
      body: request.rawBody ?? new Uint8Array(),
    });
    response.status(result.status).set(result.headers).send(result.body);
  };
}

function prepare(name: string, routes: (platform: Platform) => readonly Route[]) {
  const here = platform(name);
  const { store } = here;
  const gate: Gate = {
    identities: rememberSignIns(openIdentities(here.config.projectId), store.clock),
    findKey: (token) => findKey(store, token),
    keyUsed: (found) => noteUse(store, found),
    membership: membershipIn(store),
    tenantOf: tenantIn(store),
    operator: async (uid) => (await store.db.get(paths.operator(uid))) !== null,
    limiter: openRateLimiter(store),
    admissions,
    work,
    counters: rememberCounters(store.clock),
    once: rememberCalls(store),
    denied: auditDenials(store).note,
    makeRequestId: randomUUID,
    onFailure: (error, requestId) =>
      here.log.error('request failed', {
        requestId,
        error: inspect(error),
      }),
  };
  return { routes: routes(here), gate };
}
