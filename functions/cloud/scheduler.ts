import type { protos } from '@google-cloud/scheduler';
// The one client that is needed: the package's index loads the beta's as well.
import { CloudSchedulerClient } from '@google-cloud/scheduler/build/src/v1/cloud_scheduler_client.js';
import { TerminalError, TransientError } from '#core/errors';
import { grpcOptions, oncePerPlace } from './endpoint.ts';
import { codeOf } from './error-code.ts';

/** A job that publishes one message whenever its time comes. */
export interface TimedMessage {
  /** Last part of the job's name: letters, digits, hyphens and underscores. */
  readonly id: string;
  /** Five fields of unix-cron, read in `timeZone`. */
  readonly cron: string;
  /** A name of the tz database. */
  readonly timeZone: string;
  /** Pub/Sub topic, by its short name. */
  readonly topic: string;
  /** The message's data, as text. */
  readonly data: string;
  readonly paused: boolean;
}

/** Cloud Scheduler. Jobs are wanted, not made: every call may be repeated, by several callers at once. */
export interface Scheduler {
  /** The jobs whose id begins with `prefix` (all of them have to be read for it). Others' jobs without a topic are left out. */
  listJobs(prefix: string): Promise<TimedMessage[]>;
  getJob(id: string): Promise<TimedMessage | null>;
  /** Creates the job, or changes the one there is, until it is as `job` says. */
  putJob(job: TimedMessage): Promise<void>;
  /** No error where there is none. */
  deleteJob(id: string): Promise<void>;
  /** Publishes the job's message now. @throws TerminalError `scheduler-refused` where there is no such job */
  runJob(id: string): Promise<void>;
}

interface Place {
  readonly projectId: string;
  readonly location: string;
  readonly endpoints: { readonly scheduler: string | undefined };
}

type Job = protos.google.cloud.scheduler.v1.IJob;

// gRPC status codes.
const NOT_FOUND = 5;
const ALREADY_EXISTS = 6;
const FAILED_PRECONDITION = 9;

/** How often Cloud Scheduler itself tries to publish, should Pub/Sub not take the message. */
const RETRIES = {
  retryCount: 5,
  minBackoffDuration: { seconds: 5 },
  maxBackoffDuration: { seconds: 60 },
} as const;

/** Cloud Scheduler of the place. */
export const openScheduler = oncePerPlace((place: Place) => place.endpoints.scheduler, open);

function open(place: Place): Scheduler {
  const client = new CloudSchedulerClient(grpcOptions(place.endpoints.scheduler, place.projectId));
  const parent = `projects/${place.projectId}/locations/${place.location}`;
  const nameOf = (id: string) => `${parent}/jobs/${id}`;
  const topics = `projects/${place.projectId}/topics/`;

  const get = async (id: string): Promise<Job | null> => {
    try {
      return (await client.getJob({ name: nameOf(id) }))[0];
    } catch (error) {
      if (codeOf(error) === NOT_FOUND) return null;
      throw error;
    }
  };

  const write = async (job: TimedMessage): Promise<void> => {
    const wanted = {
      name: nameOf(job.id),
      schedule: job.cron,
      timeZone: job.timeZone,
      pubsubTarget: { topicName: topics + job.topic, data: Buffer.from(job.data) },
      retryConfig: RETRIES,
    };
    try {
      await client.createJob({ parent, job: wanted });
      return;
    } catch (error) {
      if (codeOf(error) !== ALREADY_EXISTS) throw error;
    }
    await client.updateJob({
      job: wanted,
      updateMask: { paths: ['schedule', 'time_zone', 'pubsub_target', 'retry_config'] },
    });
  };

  /** Only an enabled job can be paused and only a paused one resumed: being there already is what was wanted. */
  const settle = async ({ id, paused }: TimedMessage): Promise<void> => {
    const name = nameOf(id);
    try {
      await (paused ? client.pauseJob({ name }) : client.resumeJob({ name }));
    } catch (error) {
      if (codeOf(error) !== FAILED_PRECONDITION) throw error;
      const now = await get(id);
      if (now === null || isPaused(now) !== paused) throw error;
    }
  };

  return {
    listJobs: (prefix) =>
      translated(`the jobs ${prefix}…`, async () => {
        const [jobs] = await client.listJobs({ parent, pageSize: 500 });
        return jobs.flatMap((job) => {
          const found = toMessage(job, topics);
          return found?.id.startsWith(prefix) === true ? [found] : [];
        });
      }),
    getJob: (id) =>
      translated(id, async () => {
        const job = await get(id);
        return job === null ? null : toMessage(job, topics);
      }),
    putJob: (job) =>
      translated(job.id, async () => {
        const found = await get(job.id);
        const known = found === null ? null : toMessage(found, topics);
        if (known === null || !sameMessage(known, job)) await write(job);
        if ((known?.paused ?? false) !== job.paused) await settle(job);
      }),
    deleteJob: (id) =>
      translated(id, async () => {
        try {
          await client.deleteJob({ name: nameOf(id) });
        } catch (error) {
          if (codeOf(error) !== NOT_FOUND) throw error;
        }
      }),
    runJob: (id) =>
      translated(id, async () => {
        await client.runJob({ name: nameOf(id) });
      }),
  };
}

/** Whether both publish the same at the same times; being paused is another matter. */
function sameMessage(a: TimedMessage, b: TimedMessage): boolean {
  return a.cron === b.cron && a.timeZone === b.timeZone && a.topic === b.topic && a.data === b.data;
}

/** A job that is not enabled fires no more than one that is paused. */
function isPaused(job: Job): boolean {
  return job.state !== 'ENABLED';
}

function toMessage(job: Job, topics: string): TimedMessage | null {
  const topic = job.pubsubTarget?.topicName;
  if (!topic?.startsWith(topics)) return null;
  return {
    id: (job.name ?? '').split('/').at(-1) ?? '',
    cron: job.schedule ?? '',
    timeZone: job.timeZone ?? '',
    topic: topic.slice(topics.length),
    data: Buffer.from(job.pubsubTarget?.data ?? '').toString('utf8'),
    paused: isPaused(job),
  };
}

async function translated<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw [3, NOT_FOUND, 7, FAILED_PRECONDITION, 12, 16].includes(codeOf(error))
      ? new TerminalError('scheduler-refused', `Cloud Scheduler refused ${what}: ${detail}`, {
          cause: error,
        })
      : new TransientError('scheduler-unavailable', `Cloud Scheduler did not take ${what}: ${detail}`, {
          cause: error,
        });
  }
}
