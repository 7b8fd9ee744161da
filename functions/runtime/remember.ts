import { createHash } from 'node:crypto';
import type { Identities } from '#cloud/auth';

/** How long what was read of callers is trusted: a removed member or revoked key is refused after at most this. */
export const TRUSTED_SECONDS = 60;

/** How long it is trusted that there was nothing: who has just been let in need not wait a minute. */
const NOTHING_SECONDS = 5;

/**
 * Findings kept at a time, and as many times that there was nothing. Bounded: an attacker with many accounts must not fill
 * the memory. Apart: nor must one with many names of nobody have those forgotten who are known.
 */
const KEPT = 10_000;

/** How long a sign-in that was verified is trusted: who has signed out, or was disabled, is refused after at most this. */
export const SIGN_IN_SECONDS = 5;

/**
 * `identities`, asked about the same token once in SIGN_IN_SECONDS: each verification is a call of the sign-in service,
 * which takes longer than most of what is then done. Refusals are not remembered.
 */
export function rememberSignIns(identities: Identities, clock: () => number): Identities {
  const nameOf = (token: string) => createHash('sha256').update(token).digest('base64');
  return { verify: remember(nameOf, (token) => identities.verify(token), clock, SIGN_IN_SECONDS) };
}

/**
 * `look`, whose findings are trusted for `seconds`, and null for NOTHING_SECONDS.
 * @param nameOf what is the same for the same finding
 */
export function remember<Given extends readonly unknown[], Found>(
  nameOf: (...given: Given) => string,
  look: (...given: Given) => Promise<Found>,
  clock: () => number,
  seconds = TRUSTED_SECONDS,
): (...given: Given) => Promise<Found> {
  type Kept = Map<string, { readonly until: number; readonly found: Found }>;
  const known: Kept = new Map();
  const nothing: Kept = new Map();
  return async (...given) => {
    const name = nameOf(...given);
    for (const kept of [known, nothing]) {
      const hit = kept.get(name);
      if (hit !== undefined && hit.until > clock()) return hit.found;
    }
    // From before the look: what changes while it is under way is not trusted for longer.
    const asked = clock();
    const found = await look(...given);
    const until = asked + (found === null ? NOTHING_SECONDS : seconds) * 1000;
    known.delete(name);
    nothing.delete(name);
    const kept = found === null ? nothing : known;
    const oldest = kept.size >= KEPT ? kept.keys().next().value : undefined;
    if (oldest !== undefined) kept.delete(oldest);
    kept.set(name, { until, found });
    return found;
  };
}
