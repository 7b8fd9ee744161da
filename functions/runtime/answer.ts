import type { z } from 'zod';
import { type Capability, may, type Role, scopesAllow } from '#core/access';
import type { Contract, Params } from '#core/api/contract';
import { TerminalError } from '#core/errors';
import type { FoundKey } from '#store/api-keys';
import { traced } from '#store/trace';
import { admit, type Doors, type Membership } from './admission.ts';
import { type Caller, type Identification, identify, type Person } from './caller.ts';
import { INSTALLATION } from '#core/audit';
import { type Denial, isDenial } from './denial.ts';
import { type Once, once } from './once.ts';
import type { Counters } from './counters.ts';
import type { Lanes } from './lanes.ts';
import { type RawAnswer, refusal, reply } from './problem.ts';
import { type Counted, limitCall, type RateLimiter, refusedTaking, type Taking, takingOf } from './rate.ts';
import { bodyOf, checkedParams, header, match, parsePart, type RawRequest, requestIdOf } from './request.ts';

/** A request as a handler sees it: everything parsed, the caller known and allowed. */
export interface Call<Path extends string, Query, Body> {
  readonly params: Params<Path>;
  readonly query: Query;
  readonly body: Body;
  readonly caller: Caller;
  /** The caller as a person. Throws where it is none: routes that people alone can reach ask for it. */
  readonly person: () => Person;
  /** Throws where the contract's access is `signed-in` or `operator`: there is no tenant in the path. */
  readonly membership: () => Membership;
  /** Whether the caller may do that as well in the tenant of the path: by the person's role, or the key's scopes. */
  readonly may: (capability: Capability) => boolean;
  /** The person's role in the tenant of the path. Throws where the caller is no person. */
  readonly role: () => Role;
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

/** What every request passes. What is absent is not asked. */
export interface Gate extends Identification, Doors {
  /** Told of each use of a key; never fails. */
  readonly keyUsed?: (found: FoundKey) => Promise<void>;
  readonly limiter?: RateLimiter;
  /** Keeps callers who share the process apart, by their sign-in, while it is found out who they are. */
  readonly admissions?: Lanes;
  /** Keeps tenants who share the process apart. */
  readonly work?: Lanes;
  /** Remembers whose calls a sign-in's are. */
  readonly counters?: Counters;
  /** Remembers the answers to calls with an Idempotency-Key; where absent the header means nothing. */
  readonly once?: Once;
  /** Told of every caller who was not let in; never fails, and the answer waits no longer than it does. */
  readonly denied?: (denial: Denial) => Promise<void>;
  /** Told of every failure that is not the caller's. */
  readonly onFailure: (error: unknown, requestId: string) => void;
  readonly makeRequestId: () => string;
}

/**
 * Answers one request by the first route that fits: authenticate, authorize, count, parse, handle, shape the answer. The
 * handler, and everything it sets off, belongs to the request's trace.
 */
export async function answer(routes: readonly Route[], gate: Gate, request: RawRequest): Promise<RawAnswer> {
  const requestId = requestIdOf(request) ?? gate.makeRequestId();
  let counted: Counted = { headers: {}, refused: null, spare: true };
  let leave: (() => void) | undefined;
  try {
    const url = new URL(request.url, 'http://host');
    const { found, params } = pick(routes, request.method, url.pathname);
    const asked = { contract: found.contract, params, request, path: url.pathname, requestId };
    const { caller, membership } = await admitOne(gate, asked, (found) => {
      counted = found;
      if (found.refused !== null) throw found.refused;
    });
    const { rate } = found.contract;
    // What reaches out is limited to little, and may take long: it waits for nobody, and nobody for it.
    if (membership !== null && rate !== 'trigger')
      leave = await gate.work?.enter(`${rate} in ${membership.tenant.id}`, counted.spare);
    const call = {
      params: checkedParams(params),
      query: parsePart('query', found.contract.query, Object.fromEntries(url.searchParams)),
      body: parsePart('body', found.contract.body, bodyOf(request)),
      requestId,
      origin: header(request, 'origin'),
      ...standing(caller, membership),
    };
    const marked = caller.kind === 'key' ? gate.keyUsed?.(caller.found) : undefined;
    const place = { tenant: membership?.tenant.id ?? null, actor: caller.actor, path: url.pathname };
    const handled = () => reporting(gate, found, call, membership, url.pathname);
    const result = await once(gate.once, found.contract, request, { ...place, search: url.search }, (seed) =>
      traced({ requestId, ...(seed === null ? {} : { idSeed: seed }) }, async () => ({
        status: found.contract.status,
        body: JSON.stringify(found.contract.answer.parse(await handled())),
      })),
    );
    await marked;
    const replayed = result.replayed ? { 'idempotency-replayed': 'true' } : {};
    return withHeaders(reply(result.status, result.body, requestId, 'application/json'), {
      ...counted.headers,
      ...replayed,
    });
  } catch (error) {
    const refused = refusal(error, requestId);
    if (refused.status >= 500) gate.onFailure(error, requestId);
    return withHeaders(refused, counted.headers);
  } finally {
    leave?.();
  }
}

/** What is known of a request before anybody is looked up. */
interface Asked {
  readonly contract: Contract;
  readonly params: Readonly<Record<string, string>>;
  readonly request: RawRequest;
  readonly path: string;
  readonly requestId: string;
}

/**
 * Who calls, and their place. Where it is known whose calls they are, they are counted before anybody is looked up, so that
 * too many cost next to nothing. Who is refused is counted as well, among their own.
 * @param heed takes what was counted, and throws what refuses
 */
async function admitOne(
  gate: Gate,
  asked: Asked,
  heed: (counted: Counted) => void,
): Promise<{ readonly caller: Caller; readonly membership: Membership | null }> {
  const { contract, params, request } = asked;
  const signIn = signInOf(request);
  const name = `${signIn} ${params['tenant'] ?? ''} ${contract.rate}`;
  const stranger = `${signIn} refused`;
  let spare = true;
  const count = async (taking: Taking | null): Promise<void> => {
    if (gate.limiter === undefined || taking === null) return;
    const counted = await limitCall(gate.limiter, taking);
    ({ spare } = counted);
    heed(counted);
  };
  const before = gate.counters?.of(name) ?? null;
  const refusedBefore = before === null ? (gate.counters?.of(stranger) ?? null) : null;
  await count(before ?? refusedBefore);
  const leave = await gate.admissions?.enter(signIn, spare);
  try {
    const caller = await identify(gate, contract.access, request);
    let membership: Membership | null;
    try {
      membership = await letIn(gate, asked, caller);
    } catch (error) {
      if (isDenial(error)) {
        const own = refusedTaking(caller);
        gate.counters?.forget(name);
        gate.counters?.note(stranger, own);
        if (refusedBefore === null) await count(own);
      }
      throw error;
    }
    const taking = takingOf(contract.rate, caller, membership);
    if (taking !== null) gate.counters?.note(name, taking);
    if (before?.who !== taking?.who) await count(taking);
    return { caller, membership };
  } finally {
    leave?.();
  }
}

/** What the caller signs in with, as it was sent: not looked at yet. */
function signInOf(request: RawRequest): string {
  return `${header(request, 'authorization') ?? ''} ${header(request, 'x-api-key') ?? ''}`;
}

/** Admission, of whose refusals the tenant is told, or the operators where none was asked for. */
async function letIn(
  gate: Gate,
  { contract, params, path, requestId }: Asked,
  caller: Caller,
): Promise<Membership | null> {
  try {
    return await admit(gate, contract.access, params, caller);
  } catch (error) {
    const tenant = params['tenant'] ?? gate.tenant;
    // Under the installation's own name there is no tenant to be told.
    if (isDenial(error) && tenant !== INSTALLATION)
      await traced({ requestId }, async () =>
        gate.denied?.({
          tenant: tenant ?? INSTALLATION,
          actor: caller.actor,
          action: `${contract.method} ${contract.path}`,
          path,
          // Who asks as an operator is refused before it is known whether the tenant exists.
          known: error.code !== 'not-found' && (tenant === undefined || contract.access !== 'operator'),
        }),
      );
    throw error;
  }
}

/** The handler, which may refuse a member what their role does not reach: of that the tenant is told as well. */
async function reporting(
  gate: Gate,
  { contract, handle }: Route,
  call: Parameters<Route['handle']>[0],
  membership: Membership | null,
  path: string,
): Promise<unknown> {
  try {
    return await handle(call);
  } catch (error) {
    if (membership !== null && error instanceof TerminalError && OVERREACHED.includes(error.code))
      await gate.denied?.({
        tenant: membership.tenant.id,
        actor: call.caller.actor,
        action: `${contract.method} ${contract.path}`,
        path,
        known: true,
      });
    throw error;
  }
}

/** What handlers answer to somebody who was let in and still may not. */
const OVERREACHED: readonly string[] = ['forbidden', 'role-too-high'];

/** What a handler may ask of who calls. */
function standing(caller: Caller, membership: Membership | null) {
  const person = (): Person => {
    if (caller.kind === 'person') return caller;
    throw new TerminalError('forbidden', 'An API key cannot do this.', { remedy: 'Sign in as a person.' });
  };
  const place = (): Membership => membership ?? impossible();
  const role = (): Role => {
    person();
    return place().role ?? impossible();
  };
  const allowed = (capability: Capability): boolean =>
    caller.kind === 'key' ? scopesAllow(caller.found.key.scopes, capability) : may(role(), capability);
  return { caller, person, membership: place, role, may: allowed };
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

function withHeaders(answered: RawAnswer, headers: Readonly<Record<string, string>>): RawAnswer {
  return { ...answered, headers: { ...answered.headers, ...headers } };
}

function impossible(): never {
  throw new Error('a route without a tenant asked for its membership');
}
