import { announce, type Announcement } from '#core/events';
import type { StageName } from '#core/pipeline-run';
import type { RunIds } from './run-context.ts';

/** The message that has the stage driven. */
export function stageMessage(stage: StageName, ids: RunIds): Announcement {
  switch (stage) {
    case 'extraction':
      return announce('extraction-requested', { ...ids });
    case 'vocabulary':
      return announce('vocabulary-requested', { ...ids });
    case 'training':
      return announce('training-requested', { ...ids });
    case 'deployment':
    default:
      // Who hears that training is over sees to the deployment.
      return announce('training-finished', { ...ids });
  }
}
