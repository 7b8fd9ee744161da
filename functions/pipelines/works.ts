import type { StageName } from '#core/pipeline-run';
import { deployment } from './deployment.ts';
import { extraction } from './extraction.ts';
import type { StageWork } from './run-context.ts';
import { training } from './training.ts';
import { vocabulary } from './vocabulary.ts';

/** Every stage with its work. */
export const WORKS: Readonly<Record<StageName, StageWork>> = {
  extraction,
  vocabulary,
  training,
  deployment,
};
