import type { Payload } from '#core/events';
import type { EventSpec } from '#runtime/event';
import { driveStage, recordFailure, type StageWork } from './drive.ts';

type RunTopic = 'extraction-requested' | 'vocabulary-requested' | 'training-requested' | 'training-finished';

/** What a message about a run's stage does: drives `works` in their order, as far as each one's turn has come. */
export function stageEvent<T extends RunTopic>(...works: readonly [StageWork, ...StageWork[]]): EventSpec<T> {
  return {
    async handle(payload: Payload<T>, here) {
      for (const work of works) await driveStage(here, payload, work);
    },
    fail: (payload, failure, here) => recordFailure(here, payload, works[0].stage, failure),
  };
}
