import { z } from 'zod';
import { AlgorithmName, SlotName } from './slot.ts';
import { Difference } from './differences.ts';
import { Id, Moment } from './ids.ts';
import type { LifeCycle } from './life-cycle.ts';
import { MetricsReport, RankingMetrics } from './metrics.ts';
import { deletable } from './resource.ts';

/*
 *   candidate ─▶ approved            approve: a person, or the quality gate where the model asks for no approval
 *       │  ▲         │
 *       ▼  │         ▼
 *      archived ◀────┘               archived: not deployed any more; unarchive makes it a candidate again
 */
export const VersionStatus = z.enum(['candidate', 'approved', 'archived']);
export type VersionStatus = z.infer<typeof VersionStatus>;
export type VersionEvent = 'approve' | 'archive' | 'unarchive';

export const versionCycle: LifeCycle<VersionStatus, VersionEvent> = {
  candidate: { approve: 'approved', archive: 'archived', unarchive: null },
  approved: { approve: null, archive: 'archived', unarchive: null },
  archived: { approve: null, archive: null, unarchive: 'candidate' },
};

/** Short words that people file versions by, e.g. `season` → `spring`. */
export const Labels = z
  .record(
    z.string().regex(/^[a-z][a-z0-9_-]{0,62}$/, 'must be a short lower-case name such as "season"'),
    z.string().max(63),
  )
  .refine((labels) => Object.keys(labels).length <= 20, { error: 'at most 20 labels' });

/** What a training run made: `…/models/{m}/versions/{v}`. Whether it is deployed is said by deployments, not here. */
export const Version = z.object({
  id: Id,
  /** 1, 2, 3 … within the model. */
  number: z.int().min(1),
  run: Id,
  status: VersionStatus,
  description: z.string().max(2000).default(''),
  labels: Labels.default({}),
  /** When it was approved; by nobody (null) where the gate alone did. */
  approvedAt: Moment.nullable().default(null),
  approvedBy: z.string().nullable().default(null),
  /** When an alias last came to stand at it; null: never. */
  namedAt: Moment.nullable().default(null),
  /** `gs://` address of the artifact, and its SHA-256 in hex. */
  artifact: z.string(),
  sha256: z.string(),
  bytes: z.number(),
  metrics: MetricsReport,
  /** What the quality gate said, with its reasons. */
  gate: z.object({ passed: z.boolean(), reasons: z.array(z.string()) }),
  createdAt: Moment,
  updatedAt: Moment.nullable().default(null),
  ...deletable,
});
export type Version = z.infer<typeof Version>;

/** A version as a training run writes it. */
export function newVersion(
  facts: Pick<
    Version,
    'id' | 'number' | 'run' | 'status' | 'artifact' | 'sha256' | 'bytes' | 'metrics' | 'gate' | 'createdAt'
  >,
): Version {
  return {
    description: '',
    labels: {},
    approvedAt: facts.status === 'approved' ? facts.createdAt : null,
    approvedBy: null,
    namedAt: null,
    ...facts,
    updatedAt: null,
    deletedAt: null,
  };
}

/** Names that move from version to version: who should answer, and who is tried against it. */
export const ALIASES = ['champion', 'challenger'] as const;
export const AliasName = z.enum(ALIASES);
export type AliasName = z.infer<typeof AliasName>;

/** Where an alias stands: `…/models/{m}/aliases/{alias}`. */
export const Alias = z.object({
  alias: AliasName,
  version: Id,
  number: z.int().min(1),
  setAt: Moment,
  setBy: z.string(),
});
export type Alias = z.infer<typeof Alias>;

const Measured = z.object({
  algorithm: AlgorithmName,
  options: z.record(z.string(), z.unknown()),
  metrics: RankingMetrics,
  customers: z.int(),
});

/** Two versions side by side; a slot that one was not trained for is null there. */
export const VersionComparison = z.object({
  left: z.object({ id: Id, number: z.int(), testFrom: z.string(), testUntil: z.string() }),
  right: z.object({ id: Id, number: z.int(), testFrom: z.string(), testUntil: z.string() }),
  /** Measured on the same window: only then do the figures compare. */
  sameWindow: z.boolean(),
  slots: z.array(z.object({ slot: SlotName, left: Measured.nullable(), right: Measured.nullable() })),
  overall: z.object({ left: RankingMetrics, right: RankingMetrics }),
  /** In what the settings of their runs differ; null where a run is gone. */
  settings: z.array(Difference).nullable(),
});
export type VersionComparison = z.infer<typeof VersionComparison>;

/** Two versions side by side, but for the settings of their runs. */
export function compareVersions(left: Version, right: Version): Omit<VersionComparison, 'settings'> {
  const facts = ({ id, number, metrics: { window } }: Version) => ({
    id,
    number,
    testFrom: window.testFrom,
    testUntil: window.testUntil,
  });
  const measured = ({ metrics }: Version, slot: SlotName) => {
    const found = metrics.slots[slot];
    return found === undefined
      ? null
      : {
          algorithm: found.algorithm,
          options: found.options,
          metrics: found.model,
          customers: found.customers,
        };
  };
  const [one, other] = [facts(left), facts(right)];
  return {
    left: one,
    right: other,
    sameWindow: one.testFrom === other.testFrom && one.testUntil === other.testUntil,
    slots: SlotName.options
      .map((slot) => ({ slot, left: measured(left, slot), right: measured(right, slot) }))
      .filter((slot) => slot.left !== null || slot.right !== null),
    overall: { left: left.metrics.overall.model, right: right.metrics.overall.model },
  };
}
