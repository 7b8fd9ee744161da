import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { ConflictError } from '#cloud/firestore';
import { type Bucket, burstOf } from '#core/limits';
import { paths } from '#core/paths';
import type { Store } from './store.ts';
import { callsIn, type Flow, type Level, takeFrom, untilIn } from './token-bucket.ts';

/*
 * Calls are taken from one token bucket that all processes share, a document. A process borrows several at a time, by
 * compare-and-set, and hands them out itself: so a busy tenant costs a write a second at most, and what all borrow together
 * never exceeds what has flowed in. What one has borrowed and does not need is lost soon after; so each begins with few
 * and doubles what it takes, up to what flows in within little more than a second.
 *
 * Where Firestore does not answer, calls are let through on credit: the limit protects the service from too much work, and
 * must not take it down itself. Even then no process lets more pass than if it were alone; and what went on credit is
 * missing from the bucket when it can be asked again.
 */

/** Taken at a process's first borrowing; one at a time of what costs money. */
const FIRST_SHARE = 4;
/** What was borrowed is of use for so long. */
const LENT_MS = 10_000;
/** An empty bucket is left to fill for so long, if its calls come faster. */
const FILLING_MS = 1_000;
/** Borrowings that met another's, in a row, before it is left alone for a while. */
const BORROW_TURNS = 50;
/** How long a call waits for Firestore's word; what costs money waits longer rather than going on credit. */
const PATIENCE_MS: Readonly<Record<Bucket, number>> = { read: 2_000, write: 2_000, trigger: 10_000 };
/** How long Firestore is not asked again after it did not answer. */
const REST_MS = 5_000;
/** A bucket nobody has taken of for so long is full, whatever its limit. */
const KEPT_MS = 3_600_000;
const REMEMBERED = 10_000;

/** Who calls what. */
export interface Taking {
  /** The tenant, or the person where there is none: part of a document's id. */
  readonly who: string;
  readonly tenant: string | null;
  readonly bucket: Bucket;
  /** Calls a minute. */
  readonly limit: number;
}

/** What came of one call. */
export interface Allowance {
  readonly allowed: boolean;
  /** Calls a minute. */
  readonly limit: number;
  /** Calls that could follow at once, as far as this process knows. */
  readonly remaining: number;
  /** Seconds, 1 at least: after a refusal until a call may pass, else until no call is missing from the bucket. */
  readonly resetSeconds: number;
}

export interface RateLimiter {
  /** Takes one call. Never fails. */
  take(taking: Taking): Promise<Allowance>;
}

const Kept = z.object({ calls: z.number(), at: z.number() });

/** What this process knows of one bucket. */
interface Local {
  /** Borrowed and not handed out yet; lost at `lentUntil`. */
  left: number;
  lentUntil: number;
  /** How much is borrowed next. */
  share: number;
  /** Once the bucket has been empty, what was borrowed is handed out evenly: milliseconds apart, the next at `nextAt`. */
  pace: number;
  nextAt: number;
  /** The bucket as last seen; null before the first look, and while it was never used. */
  level: Level | null;
  /** It was found empty, and is not asked before. */
  emptyUntil: number;
  borrowing: Promise<void> | null;
  /** Firestore is being asked; a call that has waited long enough goes on without it. */
  asking: Promise<void> | null;
  /** What would be left were this process the only one; null where nothing was let through without Firestore's word. */
  credit: Level | null;
  restUntil: number;
}

/**
 * Limits calls over all processes that share the store. One for each process.
 * @param patience milliseconds that a call waits for Firestore's word before it goes on credit
 */
export function openRateLimiter(store: Store, patience = PATIENCE_MS): RateLimiter {
  const known = new Map<string, Local>();

  const localOf = ({ who, bucket }: Taking): Local => {
    const name = `${who}~${bucket}`;
    const former = known.get(name);
    if (former !== undefined) return former;
    if (known.size >= REMEMBERED) known.clear();
    const fresh: Local = {
      left: 0,
      lentUntil: 0,
      share: FIRST_SHARE,
      pace: 0,
      nextAt: 0,
      level: null,
      emptyUntil: 0,
      borrowing: null,
      asking: null,
      credit: null,
      restUntil: 0,
    };
    known.set(name, fresh);
    return fresh;
  };

  return {
    async take(taking) {
      const { bucket, limit } = taking;
      if (limit <= 0) return { allowed: false, limit, remaining: 0, resetSeconds: 60 };
      const local = localOf(taking);
      const flow = { perMinute: limit, burst: burstOf(limit) };
      // What was lent under a higher limit is more than may come at once now.
      local.left = Math.min(local.left, flow.burst);
      if (local.left > 0 && store.clock() >= local.lentUntil) {
        local.left = 0;
        local.share = FIRST_SHARE;
        local.pace = 0;
      }
      while (local.left <= 0 && store.clock() >= local.emptyUntil) {
        local.borrowing ??= borrow(store, taking, flow, local, patience[bucket]).finally(
          () => (local.borrowing = null),
        );
        await local.borrowing;
      }
      const now = store.clock();
      const allowed = local.left > 0 && (local.pace === 0 || now >= local.nextAt);
      if (allowed) {
        local.left -= 1;
        local.nextAt = Math.max(local.nextAt, now - local.pace) + local.pace;
      }
      const next = local.left > 0 ? local.nextAt : local.emptyUntil;
      const wait = allowed ? untilIn(local.level, flow, flow.burst, now) : next - now;
      return {
        allowed,
        limit,
        remaining: allowed ? Math.floor(callsIn(local.level, flow, now)) + local.left : 0,
        resetSeconds: Math.max(1, Math.ceil(wait / 1000)),
      };
    },
  };
}

/** Adds to what is left, or finds the bucket empty; on credit where Firestore does not say. Never fails. */
async function borrow(
  store: Store,
  taking: Taking,
  flow: Flow,
  local: Local,
  patience: number,
): Promise<void> {
  // Where an earlier call has waited in vain, nobody else waits for the same.
  if (local.asking === null && store.clock() >= local.restUntil) {
    let answered = false;
    local.asking = askFor(store, taking, flow, local)
      .then(
        () => void (answered = true),
        () => void (local.restUntil = store.clock() + REST_MS),
      )
      .finally(() => (local.asking = null));
    const waiting = new AbortController();
    const enough = sleep(patience, undefined, { signal: waiting.signal }).catch(() => undefined);
    await Promise.race([local.asking, enough]);
    waiting.abort();
    if (answered) return;
  }
  const now = store.clock();
  const credit = takeFrom(local.credit, flow, 1, now);
  if (credit === null) local.emptyUntil = now + untilIn(local.credit, flow, 1, now);
  else {
    local.credit = credit;
    lend(local, 1, now);
  }
}

async function askFor(
  store: Store,
  { who, tenant, bucket }: Taking,
  flow: Flow,
  local: Local,
): Promise<void> {
  const path = paths.rateLimit(who, bucket);
  const largest = bucket === 'trigger' ? 1 : largestShare(flow);
  for (let turn = 1; ; turn++) {
    const found = await store.db.get(path);
    const now = store.clock();
    const level = lower(found === null ? null : Kept.parse(found.data), local.credit, flow, now);
    const wanted = Math.min(local.share, largest);
    const share = Math.min(wanted, Math.floor(callsIn(level, flow, now)));
    const rest = share < 1 ? null : takeFrom(level, flow, share, now);
    if (rest === null) {
      local.level = level;
      local.emptyUntil = filledAt(level, flow, wanted, now);
      return;
    }
    const data = { tenant, bucket, ...rest, expireAt: new Date(now + KEPT_MS) };
    try {
      await store.db.commit([
        found === null
          ? { kind: 'create', path, data }
          : { kind: 'update', path, data, version: found.version },
      ]);
      local.level = rest;
      local.credit = null;
      local.share = Math.min(local.share * 2, largest);
      lend(local, share, now);
      const again = now - local.emptyUntil < LENT_MS;
      if (share < wanted) local.emptyUntil = filledAt(rest, flow, wanted, now);
      local.pace = share < wanted && again ? (local.emptyUntil - now) / share : 0;
      return;
    } catch (error) {
      if (!(error instanceof ConflictError) || turn === BORROW_TURNS) throw error;
      // Those who met go different ways.
      if (turn > 1) await sleep(((store.random(1)[0] ?? 0) / 255) * Math.min(250, 20 * turn));
    }
  }
}

/** A little more than flows in while an empty bucket is left to fill: who gets less knows that calls are short. */
function largestShare({ perMinute, burst }: Flow): number {
  return Math.max(1, Math.min(burst, Math.ceil((perMinute / 60_000) * FILLING_MS * 1.25)));
}

/** When to ask for calls again: once there are as many as wanted, or a second's; one at least. */
function filledAt(level: Level | null, flow: Flow, wanted: number, now: number): number {
  return (
    now + Math.max(untilIn(level, flow, 1, now), Math.min(untilIn(level, flow, wanted, now), FILLING_MS))
  );
}

function lend(local: Local, calls: number, now: number): void {
  local.left += calls;
  local.lentUntil = now + LENT_MS;
}

/** The one with less in it. */
function lower(a: Level | null, b: Level | null, flow: Flow, now: number): Level | null {
  return callsIn(b, flow, now) < callsIn(a, flow, now) ? b : a;
}
