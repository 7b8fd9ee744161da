import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { toError } from '#core/errors';
import { refusal } from './problem.ts';
import { readBody } from './request-body.ts';

/** What the framework's server hands from one middleware to the next. */
type Request = IncomingMessage & { rawBody?: Uint8Array; body?: unknown };
type Middleware = (request: Request, response: ServerResponse, next: (error?: Error) => void) => void;

/**
 * Makes the Functions Framework's server read bodies by `readBody`. Left alone it unpacks and keeps up to 1 GB of any
 * request before a handler can say who may ask, and answers what is no JSON with a page that shows its stack. It has no
 * option for either, but takes its parsers from the module `body-parser` whenever a server is made: so they are replaced
 * there. Call it before that: a function's main does when it is loaded, and the framework makes its server after.
 *
 * @param near where the framework is resolved from: a file's path or URL
 * @throws Error where the framework or its parser is not to be found: a function without a limit must not start.
 */
export function limitBodies(near: string): void {
  const framework = createRequire(near).resolve('@google-cloud/functions-framework');
  // The module is an object (a function, in fact) whose properties are the makers of its parsers.
  const parsers = createRequire(framework)('body-parser') as Record<string, (options: unknown) => Middleware>;
  for (const kind of ['json', 'text', 'urlencoded', 'raw']) {
    if (typeof parsers[kind] !== 'function') throw new Error(`body-parser has no "${kind}"`);
    parsers[kind] = () => takeBody;
  }
}

/** Reads the body once, whatever its type; the parsers that follow in the chain find it read. */
const takeBody: Middleware = (request, response, next) => {
  if (request.rawBody !== undefined) {
    next();
    return;
  }
  void take(request, response, next);
};

async function take(request: Request, response: ServerResponse, next: () => void): Promise<void> {
  try {
    request.rawBody = await readBody(request);
  } catch (error) {
    const { status, headers, body } = refusal(toError(error), randomUUID());
    response.writeHead(status, headers).end(body);
    return;
  }
  request.body = objectIn(request.rawBody);
  next();
}

/**
 * The body as the framework looks at it to recognise events. Ours look at the bytes themselves, or refuse an event that
 * is empty; so what is no JSON object is an empty one here.
 */
function objectIn(bytes: Uint8Array): object {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}
