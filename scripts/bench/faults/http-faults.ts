/*
 * A way to BigQuery or Cloud Storage on which requests are refused (503), connections break before or after the server has
 * done what it was asked, answers come late, and jobs end as BigQuery's do on a bad day: with backendError, having done nothing.
 */
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { Dice } from './random.ts';

export interface RoughService {
  readonly url: string;
  /** The share of requests that meet a fault, 0 to 1. */
  rate: number;
  readonly close: () => Promise<void>;
}

/** Opens one to the server at `target`; `told` hears of each fault. */
export async function openRoughService(
  target: string,
  name: 'warehouse' | 'storage',
  dice: Dice,
  told: (fault: string) => void,
): Promise<RoughService> {
  const agent = new Agent({ keepAlive: true });
  /** Jobs that were never begun, by their id: as they are answered. */
  const failed = new Map<string, object>();
  const service = { rate: 0 };

  const handle = async (asked: IncomingMessage, answer: ServerResponse): Promise<void> => {
    const body = await buffer(asked);
    const path = (asked.url ?? '').replace(/\?.*/, '');
    const job = asked.method === 'POST' && path.endsWith('/jobs') ? jobOf(body) : null;
    const known = failed.get(job ?? path.split('/').at(-1) ?? '');
    if (known !== undefined) {
      if (job === null) json(answer, 200, known);
      else json(answer, 409, errorBody(409, 'duplicate', `Already Exists: Job ${job}`));
      return;
    }
    const fault = dice.chance(service.rate) ? dice.next() : 1;
    if (job !== null && fault < 0.25) {
      told(`${name}-job-failed`);
      const failure = failedJob(job, body);
      failed.set(job, failure);
      json(answer, 200, failure);
      return;
    }
    if (fault < 0.45) {
      told(`${name}-503`);
      json(answer, 503, errorBody(503, 'backendError', 'Service unavailable, try again.'));
      return;
    }
    if (fault < 0.6) {
      told(`${name}-reset-before`);
      asked.socket.resetAndDestroy();
      return;
    }
    if (fault < 0.8) {
      told(`${name}-slow`);
      await new Promise((resolve) => setTimeout(resolve, dice.whole(200, 2000)));
    }
    const loses = fault >= 0.8 && fault < 1;
    if (loses) told(`${name}-answer-lost`);
    await forward(asked, body, answer, loses);
  };

  const forward = (asked: IncomingMessage, body: Buffer, answer: ServerResponse, loses: boolean) =>
    new Promise<void>((resolve) => {
      const headers = { ...asked.headers, 'content-length': String(body.length) };
      delete headers['transfer-encoding'];
      const made = request(
        new URL(asked.url ?? '/', target),
        { method: asked.method ?? 'GET', headers, agent },
        (came) => {
          if (loses) {
            came.resume().on('end', () => asked.socket.resetAndDestroy());
            resolve();
            return;
          }
          answer.writeHead(came.statusCode ?? 502, came.headers);
          came.pipe(answer);
          came.on('end', resolve);
        },
      );
      made.on('error', () => {
        asked.socket.destroy();
        resolve();
      });
      made.end(body);
    });

  const server = createServer(
    (asked, answer) => void handle(asked, answer).catch(() => asked.socket.destroy()),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return Object.assign(service, {
    url: `http://127.0.0.1:${address.port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      agent.destroy();
    },
  });
}

/** The id of the job that is asked for; null where it is no job of the caller's own name. */
function jobOf(body: Buffer): string | null {
  const id: unknown = Object(Object(JSON.parse(body.toString())).jobReference).jobId;
  // Queries for small answers have ids of the client's making and are asked for again whole.
  return typeof id === 'string' && /-(copy|load|publish)|^tradewind_/.test(id) ? id : null;
}

function failedJob(jobId: string, body: Buffer): object {
  // It is what was asked for, and not looked at.
  const { jobReference, configuration } = JSON.parse(body.toString()) as Record<string, unknown>;
  const errorResult = {
    reason: 'backendError',
    message: 'Error encountered during execution. Retrying may solve the problem.',
  };
  return {
    kind: 'bigquery#job',
    id: jobId,
    jobReference,
    configuration,
    status: { state: 'DONE', errorResult, errors: [errorResult] },
    statistics: {},
  };
}

function errorBody(code: number, reason: string, message: string): object {
  return { error: { code, message, errors: [{ reason, message, domain: 'global' }] } };
}

function json(answer: ServerResponse, status: number, body: object): void {
  answer.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
