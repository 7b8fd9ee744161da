import { eventDeploy } from '#runtime/deploy';
import { onEvent } from '#runtime/event';
import { extraction } from './extraction.ts';
import { stageEvent } from './stage-event.ts';

export const deploy = eventDeploy('extraction-requested');

export const handler = onEvent('pipelines-extraction', 'extraction-requested', stageEvent(extraction));
