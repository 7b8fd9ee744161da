/*
 * The token bucket: it holds so many calls, each call takes one, and it fills steadily. So what is allowed in a minute
 * comes spread over it, but for a small burst, and not all in its first seconds to the harm of everybody else.
 */

/** How a bucket fills. */
export interface Flow {
  /** Calls that flow in, a minute; above 0. */
  readonly perMinute: number;
  /** Calls it holds when full; 1 at least. */
  readonly burst: number;
}

/** What was left in a bucket (calls, with fractions) at a moment (milliseconds). */
export interface Level {
  readonly calls: number;
  readonly at: number;
}

/** Clocks that differ by more are wrong, and a level of that far ahead means nothing. */
const CLOCKS_DIFFER_MS = 5_000;

/** The level, as far as it means anything; a bucket of which nothing is known is full (null). */
function trusted(level: Level | null, now: number): Level | null {
  return level === null || level.at > now + CLOCKS_DIFFER_MS ? null : level;
}

/** Calls in the bucket `now`; it was full before anybody took of it (null). */
export function callsIn(level: Level | null, { perMinute, burst }: Flow, now: number): number {
  const known = trusted(level, now);
  if (known === null) return burst;
  const flowed = (Math.max(0, now - known.at) * perMinute) / 60_000;
  return Math.min(burst, known.calls + flowed);
}

/** What is left once `calls` are taken; null where so many are not there. */
export function takeFrom(level: Level | null, flow: Flow, calls: number, now: number): Level | null {
  const there = callsIn(level, flow, now);
  if (there < calls) return null;
  // Whose clock is a little behind must not turn the level's back: what has flowed in would flow in twice.
  return { calls: there - calls, at: Math.max(trusted(level, now)?.at ?? now, now) };
}

/** Milliseconds from `now` until `calls` are there; 0 where they are. */
export function untilIn(level: Level | null, flow: Flow, calls: number, now: number): number {
  const missing = Math.min(calls, flow.burst) - callsIn(level, flow, now);
  return missing <= 0 ? 0 : Math.ceil((missing * 60_000) / flow.perMinute);
}
