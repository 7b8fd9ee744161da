import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { protos as run } from '@google-cloud/run';
import type { protos as vertex } from '@google-cloud/aiplatform';
import { replaceFile } from '../state-folder.ts';

export type Job = run.google.cloud.run.v2.IJob;
export type Service = run.google.cloud.run.v2.IService;
export type Revision = run.google.cloud.run.v2.IRevision;
export type Container = run.google.cloud.run.v2.IContainer;
export type Condition = run.google.cloud.run.v2.ICondition;
export type CustomJob = vertex.google.cloud.aiplatform.v1.ICustomJob;

/** One task of an execution; `attempt` counts from 0, times are milliseconds since the epoch. */
export interface TaskRecord {
  state: 'pending' | 'running' | 'succeeded' | 'failed' | 'cancelled';
  attempt: number;
  startTime?: number;
  completionTime?: number;
  /** How the last attempt ended, where it failed. */
  exit?: { code: number; signal: number; message: string };
}

/** One run of a Cloud Run job. */
export interface ExecutionRecord {
  readonly name: string;
  readonly job: string;
  readonly createTime: number;
  completionTime?: number;
  cancelRequested: boolean;
  readonly parallelism: number;
  readonly maxRetries: number;
  readonly timeoutMs: number;
  readonly container: {
    readonly image: string;
    readonly args: readonly string[];
    readonly env: Readonly<Record<string, string>>;
  };
  readonly tasks: TaskRecord[];
}

export interface ServiceRecord {
  service: Service;
  /** Oldest first. */
  revisions: Revision[];
}

/** A long-running operation: whether it is done follows from the resource it is about. */
export interface OperationRecord {
  readonly name: string;
  readonly createTime: number;
  readonly about:
    | { readonly kind: 'job'; readonly name: string }
    | { readonly kind: 'execution'; readonly name: string }
    | { readonly kind: 'service'; readonly name: string; readonly generation: number }
    | {
        readonly kind: 'deleted';
        readonly type: 'job' | 'service' | 'execution' | 'revision' | 'customJob';
        readonly resource: object;
      };
}

/** A job of Cloud Scheduler. Times are milliseconds since the epoch. */
export interface SchedulerJob {
  readonly name: string;
  readonly schedule: string;
  readonly timeZone: string;
  /** Full name of the Pub/Sub topic. */
  readonly topic: string;
  /** The message, base64. */
  readonly data: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly retryCount: number;
  readonly paused: boolean;
  readonly userUpdateTime: number;
  lastAttemptTime: number | null;
  /** Why the last attempt was in vain. */
  failure: string | null;
}

export interface Policy {
  bindings?: { role?: string; members?: string[] }[];
}

/** Everything the control plane knows, by resource name. */
export interface Journal {
  jobs: Record<string, Job>;
  executions: Record<string, ExecutionRecord>;
  services: Record<string, ServiceRecord>;
  customJobs: Record<string, CustomJob>;
  operations: Record<string, OperationRecord>;
  policies: Record<string, Policy>;
  schedulerJobs: Record<string, SchedulerJob>;
}

/** A journal and the way to keep it. */
export interface OpenJournal {
  readonly journal: Journal;
  /** Writes what has changed, together with other changes of the same moment. */
  readonly save: () => void;
  /** Writes now. */
  readonly flush: () => void;
}

/** How many finished executions, custom jobs and operations are remembered. */
const KEEP = 500;

/** Opens the journal under `folder`. */
export function openJournal(folder: string): OpenJournal {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'journal.json');
  const empty: Journal = {
    jobs: {},
    executions: {},
    services: {},
    customJobs: {},
    operations: {},
    policies: {},
    schedulerJobs: {},
  };
  // Written by flush, whole or not at all.
  // One of an earlier version may lack a kind of resource.
  const journal: Journal = existsSync(file)
    ? { ...empty, ...(JSON.parse(readFileSync(file, 'utf8')) as Partial<Journal>) }
    : empty;
  let due = false;
  const flush = (): void => {
    due = false;
    forgetOld(journal);
    replaceFile(file, JSON.stringify(journal));
  };
  return {
    journal,
    flush,
    save() {
      if (due) return;
      due = true;
      setImmediate(() => {
        if (due) flush();
      });
    },
  };
}

function forgetOld(journal: Journal): void {
  drop(journal.executions, (one) => one.completionTime !== undefined);
  drop(journal.customJobs, (one) => one.endTime !== undefined && one.endTime !== null);
  drop(journal.operations, () => true);
}

/** Names are kept in the order they came, so the first are the oldest. */
function drop<T>(records: Record<string, T>, finished: (record: T) => boolean): void {
  const names = Object.keys(records).filter((name) => finished(records[name] as T)); // its own keys
  for (const name of names.slice(0, -KEEP)) delete records[name];
}
