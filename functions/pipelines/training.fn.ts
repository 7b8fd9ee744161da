import { eventDeploy } from '#runtime/deploy';
import { onEvent } from '#runtime/event';
import { training } from './training.ts';
import { stageEvent } from './stage-event.ts';

export const deploy = eventDeploy('training-requested');

export const handler = onEvent('pipelines-training', 'training-requested', stageEvent(training));
