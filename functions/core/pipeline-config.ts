import { z } from 'zod';
import { Id, Moment, Name } from './ids.ts';
import { TrainingConfig } from './training-config.ts';

const serving = {
  minInstances: z.int().min(0).max(10).default(1),
  maxInstances: z.int().min(1).max(100).default(3),
  /** Customers whose served list is compared with the offline list before traffic. */
  smokeCustomers: z.int().min(1).max(200).default(25),
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
});
export type PipelineConfigDefinition = z.infer<typeof PipelineConfigDefinition>;

/** `…/models/{m}/pipelineConfigs/{c}`. */
export const PipelineConfig = PipelineConfigDefinition.extend({ id: Id, createdAt: Moment });
export type PipelineConfig = z.infer<typeof PipelineConfig>;
