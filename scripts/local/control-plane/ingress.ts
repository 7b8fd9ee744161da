import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http';
import { forward, KEEP_ALIVE_MS, refuse, splitFirstSegment } from '../proxy.ts';
import type { Journal, Policy, ServiceRecord } from './journal.ts';
import { idOf } from './rpc.ts';
import { requestTimeoutMs } from './service-controller.ts';
import type { ServiceController } from './service-controller.ts';
import { chooseRevision } from './traffic.ts';

/** How long a request waits for an instance that is starting. */
const COLD_START_MS = 10_000;

/**
 * The front of all services: `/<service>/<path>` and `/<tag>---<service>/<path>` reach a revision as `/<path>`.
 * Like Cloud Run, only callers with a token get through unless the service may be invoked by all users; that the token is a
 * good one is not checked here.
 */
export function openIngress(journal: Journal, controller: ServiceController): Server {
  return createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    void pass(journal, controller, request, response).catch((error: unknown) =>
      refuse(response, 500, String(error)),
    );
  });
}

async function pass(
  journal: Journal,
  controller: ServiceController,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const target = splitFirstSegment(request.url ?? '/');
  const [first = '', second] = (target?.name ?? '').split('---');
  const [tag, id] = second === undefined ? [null, first] : [first, second];
  const record = Object.values(journal.services).find(({ service }) => idOf(service.name ?? '') === id);
  if (target === null || record === undefined) return refuse(response, 404, `There is no service '${id}'.`);
  const { service, revisions } = record;
  if (!mayInvoke(record, journal.policies[service.name ?? ''], request.headers))
    return refuse(
      response,
      403,
      `Your client does not have permission to get '${target.rest}' from service '${id}'.`,
    );
  const revisionId = chooseRevision(service.trafficStatuses ?? [], tag, Math.random());
  if (revisionId === null)
    return refuse(
      response,
      404,
      `Service '${id}' has no revision ${tag === null ? 'with traffic' : `tagged '${tag}'`}.`,
    );
  const revision = revisions.find(({ name }) => idOf(name ?? '') === revisionId);
  const instance = controller.instance(revision?.name ?? '');
  let port: number;
  try {
    if (instance === undefined) throw new Error('It has no instance.');
    port = instance.port() ?? (await instance.ready(COLD_START_MS));
  } catch {
    return refuse(response, 503, `Service '${id}': no instance of revision '${revisionId}' is available.`);
  }
  forward(request, response, {
    port,
    path: target.rest,
    name: `service '${id}'`,
    headers: {
      ...request.headers,
      'x-forwarded-for': request.socket.remoteAddress ?? '127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': request.headers.host ?? '127.0.0.1',
    },
    timeoutMs: requestTimeoutMs(revision),
  });
}

function mayInvoke(
  { service }: ServiceRecord,
  policy: Policy | undefined,
  headers: IncomingHttpHeaders,
): boolean {
  if (service.invokerIamDisabled === true) return true;
  const isPublic = (policy?.bindings ?? []).some(
    ({ role, members }) => role === 'roles/run.invoker' && (members ?? []).includes('allUsers'),
  );
  if (isPublic) return true;
  const tokens = [headers['x-serverless-authorization'], headers.authorization].flat();
  return tokens.some((token) => /^bearer .+/i.test(token ?? ''));
}
