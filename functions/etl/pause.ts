import { setTimeout as wait } from 'node:timers/promises';
import { TransientError } from '#core/errors';

/** Waits `milliseconds`. @throws the signal's reason when it fires meanwhile. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  try {
    await wait(milliseconds, undefined, { signal });
  } catch {
    throw signal.reason;
  }
}

/** Does `work`, again after 1 s and 4 s where it fails with a TransientError. `told` hears of each such failure. */
export async function withRetries<T>(
  signal: AbortSignal,
  told: (error: TransientError, attempt: number) => void,
  work: () => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof TransientError) || attempt === 3 || signal.aborted) throw error;
      told(error, attempt);
      await pause(1000 * 4 ** (attempt - 1), signal);
    }
  }
}
