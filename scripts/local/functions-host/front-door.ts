import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { z } from 'zod';
import { forward, KEEP_ALIVE_MS, readBody, refuse, splitFirstSegment } from '../proxy.ts';

/** A function that is up. */
export interface HostedFunction {
  readonly name: string;
  /** Its own Functions Framework server, which listens on `port`. */
  readonly server: Server;
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
    } else if (found.topic === null) hand(request, response, found, target.rest);
    else void deliver(request, response, found, found.topic, project);
  });
}

/**
 * Hands a request to the function's server, which is in this process: a connection of its own would cost as much as what
 * it carries. After its time the caller is told so on the socket itself: the function may write its answer yet.
 */
function hand(
  request: IncomingMessage,
  response: ServerResponse,
  { name, server, timeoutSeconds }: HostedFunction,
  path: string,
): void {
  const timer = setTimeout(() => {
    const said = `${name} did not answer within ${timeoutSeconds} s.\n`;
    const head = `HTTP/1.1 504 Gateway Timeout\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(said)}\r\nconnection: close\r\n\r\n`;
    if (!response.headersSent) request.socket.write(head + said);
    request.socket.end();
    request.socket.destroySoon();
  }, timeoutSeconds * 1000);
  response.once('close', () => {
    clearTimeout(timer);
    // What is left of a request that was answered early is read off, or the connection's next would wait behind it.
    request.resume();
  });
  request.url = path;
  server.emit('request', request, response);
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
