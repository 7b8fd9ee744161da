import type { z } from 'zod';
import { type Contract, type Params, Problem } from './contract.ts';

/** A refusal of the API, as the problem document said it. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

interface Input<Path extends string, Q extends z.ZodType, B extends z.ZodType> {
  readonly params?: Params<Path>;
  readonly query?: z.input<Q>;
  readonly body?: z.input<B>;
  readonly signal?: AbortSignal;
}

export interface ClientOptions {
  /** Where the API answers, without a trailing slash; '' for the page's own origin. */
  readonly baseUrl: string;
  /** The caller's Firebase ID token; asked anew for each request. */
  readonly token: () => Promise<string | null>;
  readonly fetch: typeof fetch;
  /**
   * Seconds to wait, for one call, where it is refused because there were too many (429): nothing was done, so it is sent
   * again when the answer says. 0 where absent.
   */
  readonly patience?: number;
}

/** A function that calls any contract and returns its parsed answer, or throws ApiError. */
export function makeClient(options: ClientOptions) {
  return async function call<
    Path extends string,
    Q extends z.ZodType,
    B extends z.ZodType,
    A extends z.ZodType,
  >(contract: Contract<Path, Q, B, A>, input: Input<Path, Q, B> = {}): Promise<z.output<A>> {
    const response = await ask(async () => {
      const token = await options.token();
      return options.fetch(options.baseUrl + address(contract.path, input.params, input.query), {
        method: contract.method,
        headers: {
          accept: 'application/json',
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
          ...(input.body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(input.body === undefined ? {} : { body: JSON.stringify(input.body) }),
        ...(input.signal === undefined ? {} : { signal: input.signal }),
      });
    }, options.patience ?? 0);
    const text = await response.text();
    if (!response.ok) throw new ApiError(problemOf(response, text));
    return contract.answer.parse(text === '' ? {} : JSON.parse(text));
  };
}

/** Sends a request, and again after each 429 that can be waited for. */
async function ask(send: () => Promise<Response>, patience: number): Promise<Response> {
  for (let left = patience; ;) {
    const response = await send();
    const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
    if (response.status !== 429 || !(seconds > 0 && seconds <= left)) return response;
    await response.body?.cancel();
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    left -= seconds;
  }
}

/** Every item of a paged list, asked for page by page. */
export async function allOf<T>(
  ask: (page: { limit: number; after?: string }) => Promise<{ items: T[]; next: string | null }>,
): Promise<T[]> {
  const items: T[] = [];
  for (let after: string | null = null; ;) {
    const page: { items: T[]; next: string | null } = await ask({
      limit: 200,
      ...(after === null ? {} : { after }),
    });
    items.push(...page.items);
    if (page.next === null) return items;
    after = page.next;
  }
}

/** Path and query of a request. */
export function address(
  path: string,
  params: Readonly<Record<string, string>> = {},
  query?: unknown,
): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));
  const pairs = Object.entries(query ?? {}).filter(([, value]) => value !== undefined);
  return pairs.length === 0
    ? filled
    : `${filled}?${new URLSearchParams(pairs.map(([key, value]) => [key, String(value)])).toString()}`;
}

function problemOf(response: Response, text: string): Problem {
  try {
    return Problem.parse(JSON.parse(text));
  } catch {
    return {
      type: 'about:blank',
      title: response.statusText || 'Error',
      status: response.status,
      code: 'unreadable-answer',
      detail: `The server answered ${response.status} without saying why.`,
      remedy: 'Try again in a moment.',
      requestId: response.headers.get('x-request-id') ?? '',
    };
  }
}
