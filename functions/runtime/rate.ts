import { TransientError } from '#core/errors';
import { type Bucket, burstOf, limitsOf, PERSON_LIMITS, REFUSED_LIMIT } from '#core/limits';
import type { Allowance, RateLimiter, Taking } from '#store/rate-limit';
import type { Membership } from './admission.ts';
import type { Caller } from './caller.ts';

export type { RateLimiter, Taking };

/** What was found of a call: the headers its answer carries, and the refusal where there were too many. */
export interface Counted {
  readonly headers: Record<string, string>;
  readonly refused: TransientError | null;
  /** Whether at least half of what may come at once is left. */
  readonly spare: boolean;
}

/**
 * Whose calls a call is counted among: its tenant's, or the person's where no tenant is in the path. Not an address's:
 * behind a front end the one that cannot be forged is the front end's own, which everybody shares. Accounts, of which
 * people could make many, are limited by address where they are made, by Firebase Auth. @returns null: it is not counted
 */
export function takingOf(rate: Bucket, caller: Caller, membership: Membership | null): Taking | null {
  if (caller.kind === 'verifier') return null;
  // No tenant's id holds a hyphen, and no actor here a slash: only people come without a tenant.
  if (membership === null)
    return { who: `u-${caller.actor}`, tenant: null, bucket: rate, limit: PERSON_LIMITS[rate] };
  const { tenant } = membership;
  return { who: tenant.id, tenant: tenant.id, bucket: rate, limit: limitsOf(tenant)[rate] };
}

/** The caller's calls that are not let in: many, but not without end, for each costs its looking up. */
export function refusedTaking(caller: Caller): Taking {
  return { who: `u-${caller.actor}-refused`, tenant: null, bucket: 'read', limit: REFUSED_LIMIT };
}

/** Counts a call. */
export async function limitCall(limiter: RateLimiter, taking: Taking): Promise<Counted> {
  const allowance = await limiter.take(taking);
  return {
    headers: headersOf(allowance),
    refused: allowance.allowed ? null : refusalOf(allowance, taking),
    spare: allowance.remaining >= burstOf(allowance.limit) / 2,
  };
}

function headersOf({ limit, remaining, resetSeconds }: Allowance): Record<string, string> {
  return {
    'ratelimit-limit': String(limit),
    'ratelimit-remaining': String(remaining),
    'ratelimit-reset': String(resetSeconds),
  };
}

function refusalOf(allowance: Allowance, { bucket: rate, tenant }: Taking): TransientError {
  const whose = tenant === null ? 'You send' : 'This tenant sends';
  const said = `${whose} more ${rate} calls than ${allowance.limit} a minute, of which ${burstOf(allowance.limit)} may come at once.`;
  return new TransientError('rate-limited', said, {
    remedy: `Try again in ${allowance.resetSeconds} s, and spread the calls; ask the operator if this is not enough.`,
    details: { retryAfterSeconds: allowance.resetSeconds, limit: allowance.limit, bucket: rate },
  });
}
