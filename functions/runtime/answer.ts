import type { z } from 'zod';
import type { Identities, Identity } from '#cloud/auth';
import { type Access, may, type Role } from '#core/access';
import type { Contract, Params } from '#core/api/contract';
import { TerminalError } from '#core/errors';
import { Id } from '#core/ids';
import { paths } from '#core/paths';
import { Member, Tenant } from '#core/tenant';
import { read } from '#store/document';
import type { Store } from '#store/store';
import { InputError, type RawAnswer, refusal, reply } from './problem.ts';

/** The caller's place in the tenant of the path. */
export interface Membership {
  readonly tenant: Tenant;
  readonly role: Role;
}

/** A request as a handler sees it: everything parsed, the caller known and allowed. */
export interface Call<Path extends string, Query, Body> {
  readonly params: Params<Path>;
  readonly query: Query;
  readonly body: Body;
  readonly caller: Identity;
  /** Throws where the contract's access is `signed-in`: there is no tenant in the path. */
  readonly membership: () => Membership;
  readonly requestId: string;
  /** The browser's origin, if it is one. */
  readonly origin: string | undefined;
}

/** A contract with what answers it. */
export interface Route {
  readonly contract: Contract;
  readonly handle: (call: Call<string, unknown, unknown>) => Promise<unknown>;
}

/** Binds a handler to its contract; the compiler checks both halves. */
export function route<Path extends string, Q extends z.ZodType, B extends z.ZodType, A extends z.ZodType>(
  contract: Contract<Path, Q, B, A>,
  handle: (call: Call<Path, z.output<Q>, z.output<B>>) => Promise<z.input<A>>,
): Route {
  // The parts were parsed by the contract's own schemas before `handle` sees them, which the erased type cannot say.
  return { contract, handle: handle as unknown as Route['handle'] };
}

/** A request as the transport gives it. `body`: the raw bytes, of which `readBody` takes no more than are allowed. */
export interface RawRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Uint8Array;
}

export interface Gate {
  readonly identities: Identities;
  /** Membership of `tenant`; null where there is none: to the caller the tenant does not exist. */
  readonly membership: (tenant: string, uid: string) => Promise<Membership | null>;
  /** The tenant of routes whose path names none (a container that serves one tenant). */
  readonly tenant?: string;
  /** Whether `token` is the verifier's signature of `body`; absent where no contract asks for one. */
  readonly verifier?: (token: string, body: Uint8Array) => Promise<boolean>;
  /** Told of every failure that is not the caller's. */
  readonly onFailure: (error: unknown, requestId: string) => void;
  readonly makeRequestId: () => string;
}

/** Answers one request by the first route that fits: authenticate, authorize, parse, handle, shape the answer. */
export async function answer(routes: readonly Route[], gate: Gate, request: RawRequest): Promise<RawAnswer> {
  const requestId = requestIdOf(request) ?? gate.makeRequestId();
  try {
    const url = new URL(request.url, 'http://host');
    const { found, params } = pick(routes, request.method, url.pathname);
    const identity = await identify(gate, found.contract.access, request);
    const membership = await admit(gate, found.contract.access, params, identity);
    const call = {
      params: checked('path', params),
      query: parse('query', found.contract.query, Object.fromEntries(url.searchParams)),
      body: parse('body', found.contract.body, bodyOf(request)),
      caller: identity,
      membership: () => membership ?? impossible(),
      requestId,
      origin: header(request, 'origin'),
    };
    const result = found.contract.answer.parse(await found.handle(call));
    return reply(found.contract.status, JSON.stringify(result), requestId, 'application/json');
  } catch (error) {
    const refused = refusal(error, requestId);
    if (refused.status >= 500) gate.onFailure(error, requestId);
    return refused;
  }
}

/** Membership as Firestore has it now: a removed member is refused at the next request. */
export function membershipIn(store: Store): Gate['membership'] {
  return async (tenantId, uid) => {
    const [tenant, member] = await Promise.all([
      read(store, paths.tenant(tenantId), Tenant),
      read(store, paths.member(tenantId, uid), Member),
    ]);
    return tenant === null || member === null ? null : { tenant: tenant.value, role: member.value.role };
  };
}

async function identify(gate: Gate, access: Access, request: RawRequest): Promise<Identity> {
  const token = bearer(request);
  if (access !== 'verifier') return gate.identities.verify(token);
  if ((await gate.verifier?.(token, request.body)) !== true)
    throw new TerminalError('unauthenticated', 'The signature does not fit this request.', {
      remedy: 'Only the deployment that made this revision may ask, and only for a minute.',
    });
  return { uid: 'verifier', email: null };
}

async function admit(
  gate: Gate,
  access: Access,
  params: Readonly<Record<string, string>>,
  identity: Identity,
): Promise<Membership | null> {
  if (access === 'signed-in' || access === 'verifier') return null;
  const tenantId = params['tenant'] ?? gate.tenant ?? '';
  // An id that cannot be one is answered like one that is not: nothing is learned from the difference.
  const membership =
    Id.safeParse(tenantId).success && isDocumentId(identity.uid)
      ? await gate.membership(tenantId, identity.uid)
      : null;
  if (membership === null || membership.tenant.status === 'deleted')
    throw new TerminalError('not-found', `There is no tenant "${tenantId}" here.`, {
      remedy: 'Check the address, or ask an owner of the tenant to invite you.',
    });
  if (membership.tenant.status === 'suspended')
    throw new TerminalError('tenant-suspended', 'This tenant is suspended.', { remedy: 'Ask the operator.' });
  if (!may(membership.role, access))
    throw new TerminalError('forbidden', `Your role (${membership.role}) does not allow this (${access}).`, {
      remedy: 'Ask an owner or admin of the tenant.',
    });
  return membership;
}

function isDocumentId(uid: string): boolean {
  return /^[A-Za-z0-9_-]{1,128}$/.test(uid);
}

function pick(
  routes: readonly Route[],
  method: string,
  path: string,
): { found: Route; params: Record<string, string> } {
  let known = false;
  for (const found of routes) {
    const params = match(found.contract.path, path);
    if (params === null) continue;
    if (found.contract.method === method) return { found, params };
    known = true;
  }
  throw known
    ? new TerminalError('method-not-allowed', `${method} is not possible on ${path}.`)
    : new TerminalError('not-found', `There is nothing at ${path}.`, { remedy: 'Check the address.' });
}

/** The parameters of `path` under `template`, or null where it does not fit. */
export function match(template: string, path: string): Record<string, string> | null {
  const wanted = template.split('/');
  const given = path.split('/');
  if (wanted.length !== given.length) return null;
  const params: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const value = given[index] ?? '';
    if (part.startsWith('{')) params[part.slice(1, -1)] = value;
    else if (part !== value) return null;
  }
  return params;
}

function checked(where: string, params: Record<string, string>): Record<string, string> {
  const issues = Object.entries(params)
    .filter(([, value]) => !Id.safeParse(value).success)
    .map(([name, value]) => ({ path: name, message: `"${value.slice(0, 60)}" is no id` }));
  if (issues.length > 0) throw new InputError(where, issues);
  return params;
}

function parse(where: string, schema: z.ZodType, value: unknown): unknown {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new InputError(
    where,
    parsed.error.issues.map((issue) => ({ path: issue.path.join('.'), message: issue.message })),
  );
}

function bodyOf(request: RawRequest): unknown {
  if (request.body.byteLength === 0) return {};
  const type = header(request, 'content-type') ?? '';
  if (!/^application\/json\s*(;|$)/i.test(type))
    throw new TerminalError('unsupported-media-type', `The body is "${type.slice(0, 60)}", not JSON.`, {
      remedy: 'Send it as application/json.',
    });
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(request.body));
  } catch (error) {
    throw new InputError('body', [
      { path: '', message: `not JSON (${error instanceof Error ? error.message : 'unreadable'})` },
    ]);
  }
}

function bearer(request: RawRequest): string {
  const found = /^Bearer ([\w.~+/=-]+)$/.exec(header(request, 'authorization') ?? '');
  if (found?.[1] === undefined)
    throw new TerminalError('unauthenticated', 'The request carries no sign-in.', {
      remedy: 'Send the Firebase ID token as "Authorization: Bearer …".',
    });
  return found[1];
}

function header(request: RawRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value : value?.[0];
}

function requestIdOf(request: RawRequest): string | undefined {
  const given = header(request, 'x-request-id');
  return given !== undefined && /^[\w-]{8,64}$/.test(given) ? given : undefined;
}

function impossible(): never {
  throw new Error('a route without a tenant asked for its membership');
}
