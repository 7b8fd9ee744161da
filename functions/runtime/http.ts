import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import type { HttpFunction } from '@google-cloud/functions-framework';
import { openIdentities } from '#cloud/auth';
import { answer, type Gate, membershipIn, type Route } from './answer.ts';
import { type Platform, platform } from './platform.ts';

/**
 * An HTTP function that answers `routes`. They are made at the first request, so that loading a function costs nothing
 * and reads no environment.
 */
export function serve(name: string, routes: (platform: Platform) => readonly Route[]): HttpFunction {
  let ready: { routes: readonly Route[]; gate: Gate } | undefined;
  return async (request, response) => {
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
  const gate: Gate = {
    identities: openIdentities(here.config.projectId),
    membership: membershipIn(here.store),
    makeRequestId: randomUUID,
    onFailure: (error, requestId) =>
      here.log.error('request failed', {
        requestId,
        error: inspect(error),
      }),
  };
  return { routes: routes(here), gate };
}
