import { setTimeout as sleep } from 'node:timers/promises';
import { TerminalError } from '#core/errors';

/** A failure as runs keep it. */
interface KeptFailure {
  readonly code: string;
  readonly message: string;
  readonly remedy: string | null;
}

/**
 * Asks `get` until `isOver`, showing each answer to `show`: at first every 0.1 s, then after a tenth of what has passed,
 * at the longest every 0.5 s.
 * @throws what `get` throws; the signal's reason when aborted.
 */
export async function waitFor<T>(
  get: () => Promise<T>,
  isOver: (value: T) => boolean,
  show: (value: T) => void,
  signal: AbortSignal,
): Promise<T> {
  const since = performance.now();
  for (;;) {
    const value = await get();
    show(value);
    if (isOver(value)) return value;
    const waited = performance.now() - since;
    await sleep(Math.min(Math.max(100, waited / 10), 500), undefined, { signal });
  }
}

/** A run's failure as an error that says where it happened. */
export function failed(where: string, failure: KeptFailure | null): TerminalError {
  if (failure === null)
    return new TerminalError('unknown', `${where} failed without saying why.`, {
      remedy: 'Look into the logs in the state folder.',
    });
  return new TerminalError(
    failure.code,
    `${where} failed: ${failure.message}`,
    failure.remedy === null ? {} : { remedy: failure.remedy },
  );
}
