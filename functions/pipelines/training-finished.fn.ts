import { eventDeploy } from '#runtime/deploy';
import { onEvent } from '#runtime/event';
import { deployment } from './deployment.ts';
import { training } from './training.ts';
import { stageEvent } from './stage-event.ts';

export const deploy = eventDeploy('training-finished');

export const handler = onEvent(
  'pipelines-training-finished',
  'training-finished',
  stageEvent(training, deployment),
);
