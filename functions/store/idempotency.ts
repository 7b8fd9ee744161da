import { createHash } from 'node:crypto';
import { z } from 'zod';
import { ConflictError } from '#cloud/firestore';
import { TerminalError, TransientError } from '#core/errors';
import { Id } from '#core/ids';
import { paths } from '#core/paths';
import type { Store } from './store.ts';

/*
 * Calls that carry an Idempotency-Key: `idempotency/{hash of who, what and key}`.
 *
 *   (nothing) ──begin──▶ in-flight ──finish──▶ done         the answer is kept and given again
 *                          │   ▲
 *                          │   └──begin, by the same body: after 60 s in flight its process counts as dead
 *                          ├──release, refused──▶ refused   the caller was told why; another body may take the key
 *                          └──release, failed───▶ failed    something may have been done: only the same body goes on
 *
 * Whoever goes on with a call gets the `seed` of whoever began it, from which its ids are made: so what a dead process
 * has committed is found, and not made a second time.
 */

/** How long a process may be at a call before it counts as dead: twice what an HTTP function may take. */
export const IN_FLIGHT_SECONDS = 60;
/** How long an answer is given again. */
export const KEPT_HOURS = 24;
/** A document holds 1 MiB; longer answers are made anew each time. */
const LONGEST_ANSWER = 500_000;

const CallRecord = z.object({
  tenant: z.string().nullable(),
  actor: z.string(),
  bodyHash: z.string(),
  state: z.enum(['in-flight', 'refused', 'failed', 'done']),
  until: z.number(),
  /** Grows with each who takes the call up: one that was succeeded changes nothing any more. */
  turn: z.int(),
  seed: z.string(),
  status: z.int().nullable(),
  body: z.string().nullable(),
  /** Milliseconds; the answer is not given again after it. */
  keptUntil: z.number().default(Number.MAX_SAFE_INTEGER),
});
type CallRecord = z.infer<typeof CallRecord>;

/** Which call it is: the same for the same caller, place and key. */
export interface CallKey {
  readonly tenant: string | null;
  readonly actor: string;
  readonly method: string;
  readonly path: string;
  readonly key: string;
  /** Of everything the caller says: body and query. */
  readonly bodyHash: string;
}

/** An answer as it is kept. */
export interface KeptAnswer {
  readonly status: number;
  readonly body: string;
}

/** A call to be done now. */
export interface BegunCall {
  /** What the call's ids are made from. */
  readonly seed: string;
  /** Keeps the answer. Never fails: what was done stands, and whoever repeats the call finds it. */
  readonly finish: (answer: KeptAnswer) => Promise<void>;
  /** Gives the key back. `refused`: by the caller's fault, and as told to the caller. Never fails. */
  readonly release: (how: 'refused' | 'failed') => Promise<void>;
}

/** The memory of calls with a key. */
export interface CallMemory {
  /**
   * @returns the answer it had, or the call to be done
   * @throws TerminalError `idempotency-mismatch`: the key was used for something else; TransientError
   * `idempotency-in-flight`: somebody is at it
   */
  begin(call: CallKey): Promise<KeptAnswer | BegunCall>;
}

/** Remembers calls in `store`. */
export function rememberCalls(store: Store): CallMemory {
  return {
    async begin(call) {
      const { tenant, actor, method, path: where, key } = call;
      const hash = sha256([tenant ?? '', actor, method, where, key].join('\n'));
      const path = paths.idempotency(hash);
      const found = await store.db.get(path);
      const former = found === null ? null : CallRecord.parse(found.data);
      // What is past its time may lie about for days yet: TTL is in no hurry.
      const fresh = former !== null && former.keptUntil > store.clock() ? former : null;
      const known = fresh === null ? null : recall(store, fresh, call.bodyHash);
      if (known !== null) return known;
      const next = take(store, call, hash, (former?.turn ?? 0) + 1, fresh);
      try {
        await store.db.commit([
          found === null
            ? { kind: 'create', path, data: kept(store, next) }
            : { kind: 'update', path, data: kept(store, next), version: found.version },
        ]);
      } catch (error) {
        if (error instanceof ConflictError) throw inFlight(1);
        throw error;
      }
      const settle = (change: Partial<CallRecord>) =>
        settleCall(store, path, next.turn, change).catch(() => undefined);
      return {
        seed: next.seed,
        finish: (answer) =>
          settle(
            answer.body.length > LONGEST_ANSWER
              ? { state: 'failed' }
              : { state: 'done', tenant: call.tenant ?? madeIn(answer.body), ...answer },
          ),
        release: (state) => settle({ state }),
      };
    },
  };
}

/** What is known of the call already; null where it is to be done (again). */
function recall(store: Store, former: CallRecord, bodyHash: string): KeptAnswer | null {
  if (former.bodyHash !== bodyHash && former.state !== 'refused')
    throw new TerminalError(
      'idempotency-mismatch',
      'This Idempotency-Key was sent before with another request.',
      { remedy: 'Send a new key for a new request, and the same key only to repeat one.' },
    );
  if (former.state === 'done' && former.status !== null && former.body !== null)
    return { status: former.status, body: former.body };
  const wait = former.until - store.clock();
  if (former.state === 'in-flight' && wait > 0) throw inFlight(Math.ceil(wait / 1000));
  return null;
}

function take(store: Store, call: CallKey, hash: string, turn: number, fresh: CallRecord | null): CallRecord {
  return {
    tenant: call.tenant,
    actor: call.actor,
    bodyHash: call.bodyHash,
    state: 'in-flight',
    until: store.clock() + IN_FLIGHT_SECONDS * 1000,
    turn,
    // The moment: once an answer is forgotten, the same key makes something new.
    seed: fresh?.bodyHash === call.bodyHash ? fresh.seed : `${hash}\n${store.clock()}\n${call.bodyHash}`,
    status: null,
    body: null,
    keptUntil: store.clock(),
  };
}

/** Changes the record unless somebody else has taken the call up meanwhile. */
async function settleCall(
  store: Store,
  path: string,
  turn: number,
  change: Partial<CallRecord>,
): Promise<void> {
  const found = await store.db.get(path);
  const current = found === null ? null : CallRecord.parse(found.data);
  if (found === null || current?.turn !== turn) return;
  await store.db.commit([
    { kind: 'update', path, data: kept(store, { ...current, ...change }), version: found.version },
  ]);
}

/** `expireAt`: Firestore's TTL policy on `idempotency` removes it then. */
function kept(store: Store, record: CallRecord): CallRecord & { readonly expireAt: Date } {
  const keptUntil = store.clock() + KEPT_HOURS * 3_600_000;
  return { ...record, keptUntil, expireAt: new Date(keptUntil) };
}

function inFlight(seconds: number): TransientError {
  return new TransientError(
    'idempotency-in-flight',
    'A request with this Idempotency-Key is being done now.',
    {
      remedy: `Ask again in ${seconds} s: then it has its answer.`,
      details: { retryAfterSeconds: seconds },
    },
  );
}

/** The tenant that a call outside of tenants has made: the answer is part of it, and goes when it is deleted. */
function madeIn(body: string): string | null {
  const made = z.object({ id: Id.startsWith('t') }).safeParse(JSON.parse(body));
  return made.success ? made.data.id : null;
}

/** SHA-256 in hex. */
export function sha256(text: string | Uint8Array): string {
  return createHash('sha256').update(text).digest('hex');
}
