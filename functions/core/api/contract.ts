import { z } from 'zod';
import type { Access } from '../access.ts';
import { Id } from '../ids.ts';

/** The `{name}` parts of a path template, as a type. */
type ParamNames<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ParamNames<Rest>
  : never;
export type Params<Path extends string> = Readonly<Record<ParamNames<Path>, string>>;

/**
 * One capability of the API: the only description that server, web and command line share.
 * Paths are `/api/tenants/{tenant}/models/{model}/…`; every parameter is an Id.
 */
export interface Contract<
  Path extends string = string,
  Query extends z.ZodType = z.ZodType,
  Body extends z.ZodType = z.ZodType,
  Answer extends z.ZodType = z.ZodType,
> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: Path;
  /** Who may call: `signed-in`, or the capability asked of the caller's role in the tenant of the path. */
  readonly access: Access;
  readonly query: Query;
  readonly body: Body;
  readonly answer: Answer;
  /** Status of success: 200, 201 (created), 202 (work begun). */
  readonly status: 200 | 201 | 202;
  /** One sentence for the reference. */
  readonly summary: string;
  /**
   * The bucket its calls count in for the tenant's rate limits: `read`, `write`, or `trigger` for what costs money or
   * reaches out (runs, deployments, connection tests).
   */
  readonly rate: 'read' | 'write' | 'trigger';
  /**
   * The answer holds something that must never be kept (a key, a signed address): such a call takes no Idempotency-Key.
   * Every other POST does.
   */
  readonly secretAnswer: boolean;
}

const None = z.strictObject({});
export type None = typeof None;

interface Definition<Path extends string, Q extends z.ZodType, B extends z.ZodType, A extends z.ZodType> {
  readonly method: Contract['method'];
  readonly path: Path;
  readonly access: Access;
  readonly summary: string;
  readonly answer: A;
  readonly query?: Q;
  readonly body?: B;
  readonly status?: Contract['status'];
  readonly rate?: Contract['rate'];
  readonly secretAnswer?: boolean;
}

/** A contract; query and body left out mean "none", and unknown keys in them are refused. */
export function contract<
  Path extends string,
  A extends z.ZodType,
  Q extends z.ZodType = None,
  B extends z.ZodType = None,
>(definition: Definition<Path, Q, B, A>): Contract<Path, Q, B, A> {
  return {
    status: 200,
    rate: definition.method === 'GET' ? 'read' : 'write',
    secretAnswer: false,
    ...definition,
    // A default of a generic type parameter cannot be checked by the compiler: None is what Q and B default to.
    query: definition.query ?? (None as unknown as Q),
    body: definition.body ?? (None as unknown as B),
  };
}

/** `limit` and `after` of every list; answers carry `next`, the `after` of the following page, or null. */
const paging = {
  limit: z.coerce.number().int().min(1).max(200).default(50),
  after: Id.optional(),
};
export const Page = z.strictObject(paging);

/**
 * The query of a list that is paged, sorted and filtered: `?status=active&sort=name&order=asc&limit=20&after=…`. Filters
 * are fields of the items and compare for equality; a list of what was deleted is asked for with `deleted=only`.
 * Each filter × sort needs an index in firestore.indexes.json.
 */
export function listQuery<F extends z.ZodRawShape, S extends readonly [string, ...string[]]>(
  filters: F,
  sort: S,
) {
  return z.strictObject({
    ...paging,
    ...filters,
    sort: z.enum(sort).default(sort[0]),
    order: z.enum(['asc', 'desc']).default('desc'),
    deleted: z.enum(['no', 'only']).default('no'),
  });
}

/** A page of `item`s. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), next: z.string().nullable() });
}

/** Errors of the API: `application/problem+json` (RFC 9457) with a stable `code`. */
export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string(),
  remedy: z.string().nullable(),
  requestId: z.string(),
  /** Which parts of the input were wrong. */
  issues: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
});
export type Problem = z.infer<typeof Problem>;
