import { z } from 'zod';
import { Id, Moment } from './ids.ts';
import { MetricsReport } from './metrics.ts';

export const VersionStatus = z.enum(['candidate', 'approved', 'archived']);

/** What a training run made: `…/models/{m}/versions/{v}`. Whether it is deployed is said by deployments, not here. */
export const Version = z.object({
  id: Id,
  /** 1, 2, 3 … within the model. */
  number: z.int().min(1),
  run: Id,
  status: VersionStatus,
  /** `gs://` address of the artifact, and its SHA-256 in hex. */
  artifact: z.string(),
  sha256: z.string(),
  bytes: z.number(),
  metrics: MetricsReport,
  /** What the quality gate said, with its reasons. */
  gate: z.object({ passed: z.boolean(), reasons: z.array(z.string()) }),
  createdAt: Moment,
});
export type Version = z.infer<typeof Version>;
