import { z } from 'zod';
import { FailureSchema } from './failure.ts';
import { Moment } from './ids.ts';
import { GateVerdict, MetricsReport } from './metrics.ts';
import { runPrefix } from './model.ts';
import { VocabularyOutput } from './pipeline-run.ts';
import { SlotName } from './slot.ts';
import { TrainingConfig } from './training-config.ts';

/*
 * What the training stage and the trainer container say to each other: files in one folder per attempt, so that a
 * late first attempt can never be mistaken for the second.
 *
 *   training function ── request.json ──▶ trainer ── model.twa, metrics.json, card.json, offline-lists.json, signals,
 *                                                     then result.json ──▶ `training-finished`
 *
 * result.json is written last: a folder without it holds an attempt that is under way or died.
 */

/** Addresses of one attempt's files. `bucket`: the tenant's. `attempt`: 1, 2, … as counted on the stage. */
export function trainingFiles(bucket: string, tenant: string, model: string, run: string, attempt: number) {
  const folder = `gs://${bucket}/${runPrefix(tenant, model, run)}training-${attempt}/`;
  return {
    folder,
    request: `${folder}request.json`,
    artifact: `${folder}model.twa`,
    metrics: `${folder}metrics.json`,
    card: `${folder}card.json`,
    offlineLists: `${folder}offline-lists.json`,
    /** What the trainer has found so far: a container of this attempt that is started again goes on from it. */
    checkpoint: `${folder}checkpoint.json`,
    result: `${folder}result.json`,
  } as const;
}

/** The Parquet file of a table of signals in an attempt's folder. */
export function signalsFile(folder: string, table: string): string {
  return `${folder}${table}.parquet`;
}

/**
 * Where the vocabulary stage's attempt exports Parquet parts to: `customers-000….parquet` and so on. A folder for each
 * attempt: parts that a former one still writes never mix with this one's. Ends in a slash.
 */
export function snapshotFolder(
  bucket: string,
  tenant: string,
  model: string,
  run: string,
  attempt: number,
): string {
  return `gs://${bucket}/${runPrefix(tenant, model, run)}snapshot-${attempt}/`;
}

/** Where the lists of a version lie, given its artifact's address: they are written side by side. */
export function offlineListsBeside(artifact: string): string {
  return artifact.replace(/[^/]*$/, 'offline-lists.json');
}

/** `request.json`: everything that decides the training. */
export const TrainingRequest = z.object({
  settings: TrainingConfig,
  /** The run's moment: the model's "now". */
  asOf: Moment,
  /** The folder of the snapshot's parts, and how many rows they hold together: with another number it is not whole. */
  snapshot: z.string().startsWith('gs://').endsWith('/'),
  rows: VocabularyOutput,
  /** What answers now, which the new version must not lose to; null where nothing is live. */
  champion: z.object({ version: z.string(), metrics: MetricsReport }).nullable(),
});
export type TrainingRequest = z.infer<typeof TrainingRequest>;

/** `result.json`. `sha256` (hex) and `bytes` are of `model.twa`. */
export const TrainingResult = z.discriminatedUnion('ok', [
  z.object({
    ok: z.literal(true),
    sha256: z.string().regex(/^[0-9a-f]{64}$/),
    bytes: z.int().min(1),
    metrics: MetricsReport,
    gate: GateVerdict,
    /** Tables of signals that lie beside it (`signalsFile`), for the warehouse. */
    signals: z.array(z.string()).default([]),
  }),
  z.object({ ok: z.literal(false), failure: FailureSchema }),
]);
export type TrainingResult = z.infer<typeof TrainingResult>;

/** How many items of a list the smoke test compares. */
export const OFFLINE_LIST_LENGTH = 10;

/** How many customers the trainer writes lists for, at most: what `smokeCustomers` can ask for. */
export const OFFLINE_CUSTOMERS = 200;

/** One list as recommended with default filters: item keys, best first. */
export const OfflineList = z.object({
  customer: z.string(),
  slot: SlotName,
  items: z.array(z.string()).max(OFFLINE_LIST_LENGTH),
});
export type OfflineList = z.infer<typeof OfflineList>;

/**
 * `offline-lists.json`: for up to OFFLINE_CUSTOMERS customers spread over the whole vocabulary, a list for each trained
 * slot, customer by customer, computed from the artifact as read back from its bytes.
 */
export const OfflineLists = z.array(OfflineList).max(OFFLINE_CUSTOMERS * 2);
export type OfflineLists = z.infer<typeof OfflineLists>;
