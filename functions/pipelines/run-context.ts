import type { Warehouse } from '#cloud/bigquery';
import type { Files } from '#cloud/storage';
import type { Failure } from '#core/errors';
import type { PipelineRun, Spent, StageName } from '#core/pipeline-run';
import type { Tenant } from '#core/tenant';
import type { Platform } from '#runtime/platform';
import type { Lease } from '#store/lease';

/** A run's address. */
export interface RunIds {
  readonly tenant: string;
  readonly model: string;
  readonly run: string;
}

/** What a stage's work stands on. */
export interface StageContext extends Platform {
  readonly ids: RunIds;
  readonly tenant: Tenant;
  readonly run: PipelineRun;
  /** The stage's present attempt, 1-based: part of the id of everything that is started. */
  readonly attempt: number;
  readonly warehouse: Warehouse;
  readonly files: Files;
  /** Milliseconds since 1970 after which the work must return what it has. */
  readonly deadline: number;
  /** Fires when somebody asks for the run's end: what waits stops waiting. */
  readonly signal: AbortSignal;
  /** The driver's right to the run: asked once more before anything is started that costs money. */
  readonly lease: Lease;
}

/** What a look at the stage's work came to. */
export type StageOutcome =
  | { readonly state: 'running'; readonly executor?: string }
  | { readonly state: 'done'; readonly found: Partial<PipelineRun>; readonly executor?: string }
  /** Another run's outputs are the same as this one's would be, and stand in for them. */
  | {
      readonly state: 'reused';
      readonly from: { readonly run: string; readonly attempts: number };
      readonly found: Partial<PipelineRun>;
    }
  /** Not to be done by itself: a person decides. The run goes on without it. */
  | { readonly state: 'left'; readonly why: Failure }
  | { readonly state: 'rejected'; readonly found: Partial<PipelineRun>; readonly failure: Failure }
  /** The work ended without a result: one more attempt, or failed where they are used up. */
  | { readonly state: 'died'; readonly failure: Failure }
  | { readonly state: 'failed'; readonly failure: Failure };

/**
 * What became of asking for the work's end: it still ends; nothing of it runs any more; or it was done before, which then
 * stands.
 */
export type Stopping = 'stopping' | 'stopped' | 'done';

export interface StageWork {
  readonly stage: StageName;
  /** Whether the run's settings leave the stage out. */
  readonly skips?: (run: PipelineRun) => boolean;
  /** Looks, starts what is not started, waits until `deadline` at most. May be called again with the same context. */
  readonly advance: (context: StageContext) => Promise<StageOutcome>;
  /** Asks for the end of all that the attempt has started, removes what it half made; called until it is over. */
  readonly stop: (context: StageContext) => Promise<Stopping>;
  /** What the present attempt has used so far. */
  readonly spent: (context: StageContext) => Promise<Spent>;
}
