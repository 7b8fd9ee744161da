import { existsSync, readFileSync, statSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { z } from 'zod';
import { forward, refuse } from '../proxy.ts';
import { withLocalOrigins } from './local-policy.ts';

/** Hosting gives up on a rewrite after this long, whatever the function's own timeout is. */
const REWRITE_TIMEOUT_MS = 60_000;

const FunctionRewrite = z.union([
  z.object({ function: z.string() }).transform((rewrite) => rewrite.function),
  z
    .object({ function: z.object({ functionId: z.string() }) })
    .transform((rewrite) => rewrite.function.functionId),
]);
const RunRewrite = z
  .object({ run: z.object({ serviceId: z.string() }) })
  .transform((rewrite) => rewrite.run.serviceId);
const FirebaseJson = z.object({ hosting: z.looseObject({ public: z.string().default('dist/web') }) });
const NOTHING_CONFIGURED = { hosting: { public: 'dist/web' } };

type Handler = (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void;
type Superstatic = (options: Record<string, unknown>) => Handler;

// superstatic's own types cannot express rewriters; it is a CommonJS package.
const superstatic = (createRequire(import.meta.url)('superstatic') as { default: Superstatic }).default;

/** Where a site's files and its rewrites' targets are. */
export interface SiteOptions {
  /** Folder of firebase.json. */
  readonly root: string;
  readonly functionsPort: number;
  readonly ingressPort: number;
  /** Ports of this machine that pages speak to directly: Auth, Firestore, the storage's uploads, the services. */
  readonly pagePorts: readonly number[];
}

/** A request handler that behaves as the deployed site would; firebase.json is read again when it changes. */
export function openSite(options: SiteOptions): Handler {
  const file = join(options.root, 'firebase.json');
  let handler: Handler | null = null;
  let read = Number.NaN;
  return (request, response, next) => {
    const changed = existsSync(file) ? statSync(file).mtimeMs : 0;
    if (handler === null || changed !== read) {
      handler = configure(file, options);
      read = changed;
    }
    // As Google's front ends do: an address that is no URL reaches no site.
    if (decodes(request.url ?? '/')) handler(request, response, next);
    else refuse(response, 400, 'The address is not a valid URL.');
  };
}

function decodes(address: string): boolean {
  try {
    decodeURIComponent(address.split('?', 1)[0] ?? '');
    return true;
  } catch {
    return false;
  }
}

function configure(file: string, { root, functionsPort, ingressPort, pagePorts }: SiteOptions): Handler {
  const deployed = existsSync(file)
    ? FirebaseJson.parse(JSON.parse(readFileSync(file, 'utf8')))
    : NOTHING_CONFIGURED;
  const hosting = withLocalOrigins(
    deployed.hosting,
    pagePorts.map((port) => `http://127.0.0.1:${port}`),
  );
  const serve = superstatic({
    config: hosting,
    cwd: root,
    compression: true,
    rewriters: {
      function: async (rewrite: unknown) => passTo(functionsPort, FunctionRewrite.parse(rewrite)),
      run: async (rewrite: unknown) => passTo(ingressPort, RunRewrite.parse(rewrite)),
    },
  });
  return (request, response, next) =>
    serve(request, response, (error) => {
      if (error === undefined && !existsSync(join(root, hosting.public)))
        refuse(
          response,
          404,
          `The web application is not built (${hosting.public} is missing). Run: npm run build`,
        );
      else next(error);
    });
}

/** The deployed function sees the whole path the browser asked for, and of the cookies only `__session`. */
function passTo(port: number, name: string): Handler {
  return (request, response) => {
    const { cookie, ...headers } = request.headers;
    const session = sessionCookie(cookie);
    forward(request, response, {
      port,
      name,
      path: `/${name}${request.url ?? '/'}`,
      headers: {
        ...headers,
        ...forwardedFor(request),
        ...(session === undefined ? {} : { cookie: session }),
      },
      timeoutMs: REWRITE_TIMEOUT_MS,
    });
  };
}

function forwardedFor(request: IncomingMessage): Record<string, string> {
  return {
    'x-forwarded-for': request.socket.remoteAddress ?? '127.0.0.1',
    'x-forwarded-host': request.headers.host ?? '127.0.0.1',
    'x-forwarded-proto': 'http',
  };
}

function sessionCookie(cookies: string | undefined): string | undefined {
  return cookies
    ?.split(';')
    .map((pair) => pair.trim())
    .find((pair) => pair.startsWith('__session='));
}
