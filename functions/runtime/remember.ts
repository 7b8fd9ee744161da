/** How long what was read of callers is trusted: a removed member or revoked key is refused after at most this. */
export const TRUSTED_SECONDS = 60;

/** How long it is trusted that there was nothing: who has just been let in need not wait a minute. */
const NOTHING_SECONDS = 5;

/** Findings kept at a time. Bounded: an attacker with many accounts must not fill the memory. */
const KEPT = 10_000;

/** `look`, whose findings are trusted for TRUSTED_SECONDS, and null for NOTHING_SECONDS. `nameOf`: what is the same for the same finding. */
export function remember<Given extends readonly unknown[], Found>(
  nameOf: (...given: Given) => string,
  look: (...given: Given) => Promise<Found>,
  clock: () => number,
): (...given: Given) => Promise<Found> {
  const known = new Map<string, { readonly until: number; readonly found: Found }>();
  return async (...given) => {
    const name = nameOf(...given);
    const hit = known.get(name);
    if (hit !== undefined && hit.until > clock()) return hit.found;
    // From before the look: what changes while it is under way is not trusted for longer.
    const asked = clock();
    const found = await look(...given);
    const until = asked + (found === null ? NOTHING_SECONDS : TRUSTED_SECONDS) * 1000;
    if (known.size >= KEPT) known.clear();
    known.set(name, { until, found });
    return found;
  };
}
