import { eventDeploy } from '#runtime/deploy';
import { onEvent } from '#runtime/event';
import { vocabulary } from './vocabulary.ts';
import { stageEvent } from './stage-event.ts';

export const deploy = eventDeploy('vocabulary-requested');

export const handler = onEvent('pipelines-vocabulary', 'vocabulary-requested', stageEvent(vocabulary));
