import { setTimeout as sleep } from 'node:timers/promises';
import { BusyError } from '#core/errors';
import type { Payload } from '#core/events';
import type { EventSpec } from '#runtime/event';
import type { Platform } from '#runtime/platform';
import { driveStage, recordFailure } from './drive.ts';
import type { RunIds, StageWork } from './run-context.ts';

type RunTopic = 'extraction-requested' | 'vocabulary-requested' | 'training-requested' | 'training-finished';

/** How often, and after which pause, a message asks again for a run that somebody is at. */
const TRIES = 20;
const PAUSE_MS = 250;

/** What a message about a run's stage does: drives `works` in their order, as far as each one's turn has come. */
export function stageEvent<T extends RunTopic>(...works: readonly [StageWork, ...StageWork[]]): EventSpec<T> {
  return {
    async handle(payload: Payload<T>, here) {
      for (const work of works) await driveWhenFree(here, payload, work);
    },
    fail: (payload, failure, here) => recordFailure(here, payload, works[0], failure),
  };
}

/**
 * Drives the stage, waiting a moment for whoever is at the run: a message is sent by the driver of the stage before, and
 * may arrive before that one has let go.
 * @throws BusyError where the other goes on for longer; it, or the watchdog, then does what is to be done
 */
export async function driveWhenFree(here: Platform, ids: RunIds, work: StageWork): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await driveStage(here, ids, work);
      return;
    } catch (thrown) {
      if (!(thrown instanceof BusyError) || tries === TRIES) throw thrown;
    }
    await sleep(PAUSE_MS);
  }
}
