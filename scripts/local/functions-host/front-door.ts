import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { z } from 'zod';
import { forward, KEEP_ALIVE_MS, readBody, refuse, splitFirstSegment } from '../proxy.ts';

/** A function that is up. */
export interface HostedFunction {
  readonly name: string;
  /** Where its own Functions Framework server listens. */
  readonly port: number;
  /** The topic it is triggered by; null for an HTTP function. */
  readonly topic: string | null;
  readonly timeoutSeconds: number;
}

/** A pushed message; the limit is Pub/Sub's (10 MB) in base64, with room for the attributes. */
const MAX_PUSH_BYTES = 16_000_000;
const Push = z.looseObject({
  message: z.looseObject({ messageId: z.string(), publishTime: z.string().optional() }),
});

/**
 * The server that takes `/<function>/<path>` and passes it to the function as `/<path>`.
 * What Pub/Sub pushes reaches an event function as Eventarc delivers it: the body unchanged (`{message, subscription}`),
 * the event's attributes as `ce-` headers (CloudEvents HTTP binary mode).
 */
export function openFrontDoor(
  hosted: ReadonlyMap<string, HostedFunction>,
  broken: Readonly<Record<string, string>>,
  project: string,
): Server {
  return createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    const target = splitFirstSegment(request.url ?? '/');
    const found = target === null ? undefined : hosted.get(target.name);
    if (target === null || found === undefined) {
      const reason = target === null ? undefined : broken[target.name];
      const known = [...hosted.keys()].join(', ');
      if (reason !== undefined) refuse(response, 503, `${target?.name} cannot be loaded: ${reason}`);
      else
        refuse(
          response,
          404,
          `There is no function ${target?.name ?? 'without a name'}; there are: ${known}.`,
        );
    } else if (found.topic === null)
      forward(request, response, { ...destination(found), path: target.rest, headers: request.headers });
    else void deliver(request, response, found, found.topic, project);
  });
}

async function deliver(
  request: IncomingMessage,
  response: ServerResponse,
  to: HostedFunction,
  topic: string,
  project: string,
): Promise<void> {
  try {
    const body = await readBody(request, MAX_PUSH_BYTES);
    const { message } = Push.parse(JSON.parse(body.toString('utf8')));
    const headers = {
      'content-type': 'application/json',
      'content-length': body.length,
      'ce-specversion': '1.0',
      'ce-type': 'google.cloud.pubsub.topic.v1.messagePublished',
      'ce-source': `//pubsub.googleapis.com/projects/${project}/topics/${topic}`,
      'ce-id': message.messageId,
      'ce-time': message.publishTime ?? new Date().toISOString(),
    };
    forward(request, response, { ...destination(to), path: '/', headers, body });
  } catch (error) {
    refuse(response, 400, `${to.name} takes messages pushed by Pub/Sub; this is none: ${String(error)}`);
  }
}

function destination({ name, port, timeoutSeconds }: HostedFunction) {
  return { name, port, timeoutMs: timeoutSeconds * 1000 };
}
