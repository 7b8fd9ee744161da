import type { Taking } from './rate.ts';

/** Sign-ins kept at a time. */
const KEPT = 10_000;
/** What was found is heeded for so long; a limit that was changed shows no later. */
const HEEDED_MS = 60_000;

/**
 * Whose calls a sign-in's calls are counted among, by name: so that what is too much is refused before anybody is looked
 * up. Known only from a call that was looked up, under the very sign-in that it came with: nobody learns from it what they
 * did not know.
 */
export interface Counters {
  of(name: string): Taking | null;
  note(name: string, taking: Taking): void;
  forget(name: string): void;
}

/** Counters by the `clock` (milliseconds). One set for each process. */
export function rememberCounters(clock: () => number): Counters {
  const known = new Map<string, { readonly until: number; readonly taking: Taking }>();
  return {
    of(name) {
      const found = known.get(name);
      if (found === undefined || found.until <= clock()) return null;
      return found.taking;
    },
    note(name, taking) {
      // Noted last, forgotten last.
      known.delete(name);
      known.set(name, { until: clock() + HEEDED_MS, taking });
      const [oldest] = known.keys();
      if (known.size > KEPT && oldest !== undefined) known.delete(oldest);
    },
    forget: (name) => void known.delete(name),
  };
}
