/**
 * Cloud Scheduler: jobs that publish to Pub/Sub. Jobs live in the journal; what came up while the local cloud was down is
 * not made up for, as in Cloud Scheduler.
 *
 *   ENABLED ⇄ PAUSED      pause, resume
 */
import { status } from '@grpc/grpc-js';
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import { toError } from '#core/errors';
import type { OpenJournal, SchedulerJob } from './journal.ts';
import { found, idOf, invalid, page, RpcError, timestamp, unary } from './rpc.ts';
import { everyTime, nextTime, scheduleProblem } from './scheduler-clock.ts';

/** A Job message, as far as it is spoken here. */
interface Job {
  readonly name?: string;
  readonly description?: string;
  readonly schedule?: string;
  readonly timeZone?: string;
  readonly pubsubTarget?: {
    readonly topicName?: string;
    readonly data?: Uint8Array | null;
    readonly attributes?: Readonly<Record<string, string>>;
  };
  readonly httpTarget?: object;
  readonly appEngineHttpTarget?: object;
  readonly retryConfig?: { readonly retryCount?: number };
}
type Named = { readonly name: string };

/** Publishes `data` (base64) to a topic by its full name. Rejects where Pub/Sub does not take it. */
export type PublishMessage = (
  topic: string,
  message: { readonly data: string; readonly attributes: Readonly<Record<string, string>> },
) => Promise<void>;

/** Between two tries to publish, where Pub/Sub did not take the message. */
const RETRY_MS = 2_000;

/** The jobs' half of CloudScheduler, and `stop` for its timers. */
export function schedulerService(
  { journal, save }: OpenJournal,
  publish: PublishMessage,
): { readonly service: UntypedServiceImplementation; readonly stop: () => void } {
  const timers = new Map<string, () => void>();
  let stopped = false;

  const disarm = (name: string): void => {
    timers.get(name)?.();
    timers.delete(name);
  };
  const arm = (job: SchedulerJob): void => {
    disarm(job.name);
    if (!job.paused && !stopped)
      timers.set(
        job.name,
        everyTime(job.schedule, job.timeZone, () => void dispatch(job.name, job.retryCount)),
      );
  };

  async function dispatch(name: string, retries: number): Promise<void> {
    const job = journal.schedulerJobs[name];
    if (job === undefined || stopped) return;
    job.lastAttemptTime = Date.now();
    try {
      await publish(job.topic, { data: job.data, attributes: job.attributes });
      job.failure = null;
    } catch (error) {
      job.failure = toError(error).message;
      if (retries > 0 && !stopped) setTimeout(() => void dispatch(name, retries - 1), RETRY_MS).unref();
    }
    save();
  }

  const get = (name: string): SchedulerJob => found(journal.schedulerJobs[name], name);
  const keep = (job: SchedulerJob): object => {
    journal.schedulerJobs[job.name] = job;
    save();
    arm(job);
    return toMessage(job);
  };
  const setPaused = (name: string, paused: boolean): object => {
    const job = get(name);
    if (job.paused === paused)
      throw new RpcError(
        status.FAILED_PRECONDITION,
        `Job.state must be ${paused ? 'ENABLED' : 'PAUSED'} for this, it is ${stateOf(job)}.`,
      );
    return keep({ ...job, paused, userUpdateTime: Date.now() });
  };

  for (const job of Object.values(journal.schedulerJobs)) arm(job);

  return {
    stop() {
      stopped = true;
      for (const name of timers.keys()) disarm(name);
    },
    service: {
      listJobs: unary((request: { parent: string; pageSize?: number; pageToken?: string }) => {
        const below = Object.values(journal.schedulerJobs)
          .filter(({ name }) => name.startsWith(`${request.parent}/jobs/`))
          .toSorted((a, b) => (a.name < b.name ? -1 : 1));
        const { items, nextPageToken } = page(below, request, 500);
        return { jobs: items.map(toMessage), nextPageToken };
      }),
      getJob: unary(({ name }: Named) => toMessage(get(name))),
      createJob: unary(({ parent, job }: { parent: string; job: Job }) => {
        const made = fromMessage(parent, job);
        if (journal.schedulerJobs[made.name] !== undefined)
          throw new RpcError(status.ALREADY_EXISTS, `Job ${made.name} already exists.`);
        return keep(made);
      }),
      // Every field that can be changed is taken from the message: our clients' masks name them all.
      updateJob: unary(({ job }: { job: Job }) => {
        const known = get(job.name ?? '');
        const changed = fromMessage(known.name.split('/').slice(0, -2).join('/'), job);
        return keep({ ...changed, paused: known.paused, lastAttemptTime: known.lastAttemptTime });
      }),
      deleteJob: unary(({ name }: Named) => {
        get(name);
        disarm(name);
        delete journal.schedulerJobs[name];
        save();
        return {};
      }),
      pauseJob: unary(({ name }: Named) => setPaused(name, true)),
      resumeJob: unary(({ name }: Named) => setPaused(name, false)),
      runJob: unary(async ({ name }: Named) => {
        const job = get(name);
        await dispatch(name, 0);
        return toMessage(job);
      }),
    },
  };
}

/** @throws RpcError INVALID_ARGUMENT for what Cloud Scheduler refuses, and for targets that are not Pub/Sub */
function fromMessage(parent: string, job: Job): SchedulerJob {
  const name = job.name ?? '';
  if (!name.startsWith(`${parent}/jobs/`) || !/^[A-Za-z0-9_-]{1,500}$/.test(idOf(name)))
    throw invalid(`job.name: "${name}" is no job of ${parent}.`);
  if (job.httpTarget !== undefined || job.appEngineHttpTarget !== undefined)
    throw invalid('job.target: the local cloud publishes to Pub/Sub only.');
  const { topicName = '', data, attributes = {} } = job.pubsubTarget ?? {};
  if (!/^projects\/[^/]+\/topics\/[^/]+$/.test(topicName))
    throw invalid(`job.pubsub_target.topic_name: "${topicName}" is no topic.`);
  const schedule = job.schedule ?? '';
  const timeZone = job.timeZone || 'UTC';
  const problem = scheduleProblem(schedule, timeZone);
  if (problem !== null) throw invalid(`Schedule or time zone is invalid: ${problem}.`);
  return {
    name,
    schedule,
    timeZone,
    topic: topicName,
    data: Buffer.from(data ?? '').toString('base64'),
    attributes,
    retryCount: job.retryConfig?.retryCount ?? 0,
    paused: false,
    userUpdateTime: Date.now(),
    lastAttemptTime: null,
    failure: null,
  };
}

function stateOf({ paused }: SchedulerJob): 'PAUSED' | 'ENABLED' {
  return paused ? 'PAUSED' : 'ENABLED';
}

function toMessage(job: SchedulerJob): object {
  const next = job.paused ? null : nextTime(job.schedule, job.timeZone, Date.now());
  return {
    name: job.name,
    schedule: job.schedule,
    timeZone: job.timeZone,
    pubsubTarget: {
      topicName: job.topic,
      data: Buffer.from(job.data, 'base64'),
      attributes: job.attributes,
    },
    retryConfig: { retryCount: job.retryCount },
    state: stateOf(job),
    userUpdateTime: timestamp(job.userUpdateTime),
    ...(next === null ? {} : { scheduleTime: timestamp(next) }),
    ...(job.lastAttemptTime === null ? {} : { lastAttemptTime: timestamp(job.lastAttemptTime) }),
    ...(job.failure === null ? {} : { status: { code: status.UNAVAILABLE, message: job.failure } }),
  };
}
