import { z } from 'zod';
import { CanarySettings } from './canary.ts';
import { type Difference, differences } from './differences.ts';
import { Id, Name } from './ids.ts';
import { deletable, editable } from './resource.ts';
import { RunCaps } from './run-caps.ts';
import { TrainingConfig } from './training-config.ts';

const serving = {
  minInstances: z.int().min(0).max(10).default(1),
  maxInstances: z.int().min(1).max(100).default(3),
  /** Customers whose served list is compared with the offline list before traffic. */
  smokeCustomers: z.int().min(1).max(200).default(25),
  /** Requests that one instance answers at a time. */
  concurrency: z.int().min(1).max(1000).default(80),
  /** Questions by which a new revision is warmed up before it has traffic. */
  warmUp: z.int().min(0).max(200).default(20),
  /** How it takes over from what is live. */
  canary: CanarySettings.prefault({}),
};

const inOrder = ({ minInstances, maxInstances }: { minInstances: number; maxInstances: number }) =>
  minInstances <= maxInstances;
const outOfOrder = {
  path: ['minInstances'],
  error: 'more instances at least than at most: make it no greater than maxInstances (3 unless set)',
};

/** How a version is served: what a person who deploys one may set. */
export const DeploymentSettings = z.strictObject(serving).refine(inOrder, outOfOrder);
export type DeploymentSettings = z.infer<typeof DeploymentSettings>;

/** What of a live deployment may be changed without deploying it again: only what is named changes. */
export const ServingChange = z
  .strictObject({
    minInstances: serving.minInstances.removeDefault().optional(),
    maxInstances: serving.maxInstances.removeDefault().optional(),
    concurrency: serving.concurrency.removeDefault().optional(),
    warmUp: serving.warmUp.removeDefault().optional(),
  })
  .refine((change) => Object.values(change).some((value) => value !== undefined), {
    error: 'name at least one of minInstances, maxInstances, concurrency and warmUp',
  });
export type ServingChange = z.infer<typeof ServingChange>;

/** How a pipeline's finished version goes live. */
export const DeploymentConfig = z
  .strictObject({
    /** Deploy by itself once the quality gate has passed. */
    automatic: z.boolean().default(true),
    ...serving,
  })
  .refine(inOrder, outOfOrder);
export type DeploymentConfig = z.infer<typeof DeploymentConfig>;

/** What the snapshot holds. */
export const ExtractionConfig = z.strictObject({
  /** Only lines of the last so many days before the run; 0: all. */
  historyDays: z.int().min(0).max(36500).default(0),
});
export type ExtractionConfig = z.infer<typeof ExtractionConfig>;

/** What a person sets: unknown keys are refused, everything left out takes the preset's value. */
export const PipelineConfigDefinition = z.strictObject({
  name: Name,
  extraction: ExtractionConfig.prefault({}),
  training: TrainingConfig.prefault({}),
  deployment: DeploymentConfig.prefault({}),
  caps: RunCaps.prefault({}),
});
export type PipelineConfigDefinition = z.infer<typeof PipelineConfigDefinition>;

/** Parts to be replaced: what a part leaves out takes the preset’s value, parts left out stay. */
export const PipelineConfigEdit = z.strictObject({
  name: Name.optional(),
  extraction: ExtractionConfig.optional(),
  training: TrainingConfig.optional(),
  deployment: DeploymentConfig.optional(),
  caps: RunCaps.optional(),
});
export type PipelineConfigEdit = z.infer<typeof PipelineConfigEdit>;

/** `…/models/{m}/pipelineConfigs/{c}`. */
export const PipelineConfig = PipelineConfigDefinition.extend({ id: Id, ...editable, ...deletable });
export type PipelineConfig = z.infer<typeof PipelineConfig>;

/** The options in which two configurations differ, by path, e.g. `training.trials`. Names do not count. */
export function comparePipelineConfigs(
  left: PipelineConfigDefinition,
  right: PipelineConfigDefinition,
): Difference[] {
  const options = ({ extraction, training, deployment, caps }: PipelineConfigDefinition) => ({
    extraction,
    training,
    deployment,
    caps,
  });
  return differences(options(left), options(right));
}
