import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Waits until `look` finds something.
 * @returns the first value that is neither null nor undefined nor false
 * @throws Error naming `what`, when nothing was found for `seconds`
 */
export async function eventually<T>(
  what: string,
  look: () => T | null | undefined | false | Promise<T | null | undefined | false>,
  seconds = 30,
): Promise<T> {
  const until = Date.now() + seconds * 1000;
  for (;;) {
    const seen = await look();
    if (seen !== null && seen !== undefined && seen !== false) return seen;
    if (Date.now() > until) throw new Error(`not within ${seconds} s: ${what}`);
    await sleep(50);
  }
}
