/**
 * Vertex AI's custom jobs.
 *
 *   PENDING → RUNNING → SUCCEEDED | FAILED
 *      └─────────┴────→ CANCELLING → CANCELLED
 *
 * A job is tried once, as Vertex AI does with a failing container: killed, timed out or stopped with the local cloud,
 * it has FAILED, and its error says which.
 */
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import { toError } from '#core/errors';
import { environment } from './containers.ts';
import type { ContainerHost, ContainerSpec, RunningContainer } from './containers.ts';
import type { CustomJob, OpenJournal } from './journal.ts';
import type { Operations } from './operations.ts';
import { found, idOf, invalid, milliseconds, page, timestamp, unary } from './rpc.ts';

type ListRequest = { parent: string; filter?: string; pageSize?: number; pageToken?: string };
type Named = { name: string };
type State = NonNullable<Extract<CustomJob['state'], string>>;

const ENDED = new Set<CustomJob['state']>(['JOB_STATE_SUCCEEDED', 'JOB_STATE_FAILED', 'JOB_STATE_CANCELLED']);
/** Vertex AI's own limit where a job names none. */
const DEFAULT_TIMEOUT_MS = 7 * 24 * 3_600_000;
/** Timers cannot be longer than this (2^31 ms, 24 days). */
const LONGEST_TIMER_MS = 2_147_483_647;
const GRACE_MS = 10_000;

/** The custom jobs' half of Vertex AI's JobService; jobs found running in the journal have failed. */
export function customJobService(
  open: OpenJournal,
  containers: ContainerHost,
  operations: Operations,
  logs: string,
  stopping: AbortSignal,
): UntypedServiceImplementation {
  const { journal, save } = open;
  const active = new Map<string, RunningContainer>();

  const move = (job: CustomJob, state: State, error?: { code: number; message: string }): void => {
    job.state = state;
    job.updateTime = timestamp(Date.now());
    if (state === 'JOB_STATE_RUNNING') job.startTime = job.updateTime;
    if (ENDED.has(state)) job.endTime = job.updateTime;
    if (error !== undefined) job.error = error;
    save();
  };

  async function run(job: CustomJob, name: string): Promise<void> {
    const logFile = join(logs, 'custom-jobs', `${idOf(name)}.log`);
    let container: RunningContainer;
    try {
      container = containers.start(jobContainer(job, idOf(name)), logFile);
    } catch (thrown) {
      move(job, 'JOB_STATE_FAILED', { code: status.INVALID_ARGUMENT, message: toError(thrown).message });
      return;
    }
    active.set(name, container);
    move(job, 'JOB_STATE_RUNNING');
    const limit = milliseconds(job.jobSpec?.scheduling?.timeout, DEFAULT_TIMEOUT_MS);
    let timedOut = false;
    const timer = setTimeout(
      () => {
        timedOut = true;
        void container.stop(GRACE_MS);
      },
      Math.min(limit, LONGEST_TIMER_MS),
    );
    const { code } = await container.exited;
    clearTimeout(timer);
    active.delete(name);
    if (stopping.aborted) return; // the next start says that it failed
    if (job.state === 'JOB_STATE_CANCELLING')
      move(job, 'JOB_STATE_CANCELLED', { code: status.CANCELLED, message: 'The job was cancelled.' });
    else if (timedOut)
      move(job, 'JOB_STATE_FAILED', {
        code: status.DEADLINE_EXCEEDED,
        message: `The job ran longer than its timeout of ${limit / 1000} s.`,
      });
    else if (code === 0) move(job, 'JOB_STATE_SUCCEEDED');
    else
      move(job, 'JOB_STATE_FAILED', {
        code: status.INTERNAL,
        message: `The replica workerpool0-0 exited with a non-zero status of ${code}. To find out more about why your job exited please check the logs: ${logFile}`,
      });
  }

  for (const job of Object.values(journal.customJobs))
    if (!ENDED.has(job.state))
      move(job, job.state === 'JOB_STATE_CANCELLING' ? 'JOB_STATE_CANCELLED' : 'JOB_STATE_FAILED', {
        code: status.INTERNAL,
        message: 'The replica workerpool0-0 was stopped when the local cloud stopped.',
      });

  return {
    createCustomJob: unary(({ parent, customJob }: { parent: string; customJob: CustomJob }) => {
      // Vertex AI numbers its jobs; 19 digits there, fewer here.
      const name = `${parent}/customJobs/${randomInt(1e12, 1e13)}`;
      const now = timestamp(Date.now());
      const job: CustomJob = {
        ...customJob,
        name,
        state: 'JOB_STATE_PENDING',
        createTime: now,
        updateTime: now,
      };
      jobContainer(job, idOf(name)); // refused now, not when it starts
      journal.customJobs[name] = job;
      save();
      setImmediate(() => {
        if (job.state === 'JOB_STATE_PENDING') void run(job, name);
      });
      return { ...job };
    }),
    getCustomJob: unary(({ name }: Named) => found(journal.customJobs[name], name)),
    listCustomJobs: unary((request: ListRequest) => {
      const matches = parseFilter(request.filter ?? '');
      const below = Object.values(journal.customJobs)
        .filter((job) => job.name?.startsWith(`${request.parent}/customJobs/`) && matches(job))
        .toReversed();
      const { items, nextPageToken } = page(below, request);
      return { customJobs: items, nextPageToken };
    }),
    cancelCustomJob: unary(({ name }: Named) => {
      const job = found(journal.customJobs[name], name);
      if (ENDED.has(job.state)) return {}; // best effort, as documented: ending first is no error
      move(job, 'JOB_STATE_CANCELLING');
      const container = active.get(name);
      if (container === undefined) move(job, 'JOB_STATE_CANCELLED');
      else void container.stop(GRACE_MS);
      return {};
    }),
    deleteCustomJob: unary(({ name }: Named) => {
      const job = found(journal.customJobs[name], name);
      void active.get(name)?.stop(GRACE_MS);
      delete journal.customJobs[name];
      save();
      return operations.create({ kind: 'deleted', type: 'customJob', resource: job });
    }),
  };
}

/** What a custom job runs. @throws RpcError INVALID_ARGUMENT for several workers, Python packages, other commands. */
function jobContainer(job: CustomJob, id: string): ContainerSpec {
  const [pool, ...others] = job.jobSpec?.workerPoolSpecs ?? [];
  const container = pool?.containerSpec;
  if (container === undefined || container === null)
    throw invalid('jobSpec.workerPoolSpecs[0].containerSpec: the local cloud runs jobs of one container.');
  if (others.length > 0 || Number(pool?.replicaCount ?? 1) > 1)
    throw invalid('jobSpec.workerPoolSpecs: the local cloud runs jobs of one worker.');
  if ((container.command ?? []).length > 0)
    throw invalid(
      'containerSpec.command: the local cloud runs the entry point of the image; pass args instead.',
    );
  const output = job.jobSpec?.baseOutputDirectory?.outputUriPrefix;
  return {
    image: container.imageUri ?? '',
    args: container.args ?? [],
    env: {
      CLOUD_ML_JOB_ID: id,
      ...(output === undefined || output === null
        ? {}
        : { AIP_MODEL_DIR: `${output.replace(/\/$/, '')}/model/` }),
      ...environment(container.env),
    },
  };
}

/** Conditions joined by AND: `display_name="x"`, `state="JOB_STATE_RUNNING"`, `labels.key="value"`. */
function parseFilter(filter: string): (job: CustomJob) => boolean {
  if (filter.trim() === '') return () => true;
  const conditions = filter.split(/\s+AND\s+/).map((text) => {
    const parsed = /^\s*(display_name|displayName|state|labels\.([\w-]+))\s*=\s*"?([^"]*)"?\s*$/.exec(text);
    if (parsed === null) throw invalid(`filter: "${text}" is not supported by the local cloud.`);
    const [, field, label, wanted] = parsed;
    return (job: CustomJob): boolean => {
      if (label !== undefined) return job.labels?.[label] === wanted;
      return (field === 'state' ? job.state : job.displayName) === wanted;
    };
  });
  return (job) => conditions.every((holds) => holds(job));
}
