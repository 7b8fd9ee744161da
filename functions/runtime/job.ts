import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { TerminalError } from '#core/errors';
import { traced } from '#store/trace';
import { type Platform, platform } from './platform.ts';
import { REQUEST_ID } from './request.ts';

/** What a container job's work gets. `signal` fires when the platform stops the container. */
export interface JobContext extends Platform {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** Cloud Run's task, 0-based, of `tasks`; 0 of 1 elsewhere. */
  readonly task: number;
  readonly tasks: number;
  /** Which try of this task, 0-based. */
  readonly attempt: number;
  /** Names this very process among all that hold leases. */
  readonly holder: string;
}

/** A job's work. TerminalError: the container ends well, for the platform must not try again (the run says why). */
export type JobHandler = (context: JobContext) => Promise<void>;

/** Runs `handler` as this process's main work, as part of the request it was started for. @returns the exit code. */
export function runJob(name: string, handler: JobHandler, signal: AbortSignal): Promise<number> {
  const given = process.env['TRADEWIND_REQUEST_ID'] ?? '';
  const requestId = REQUEST_ID.test(given) ? given : randomUUID();
  return traced({ requestId }, () => work(name, handler, signal));
}

async function work(name: string, handler: JobHandler, signal: AbortSignal): Promise<number> {
  const number = (key: string, otherwise: number) => Number(process.env[key] ?? otherwise);
  const here = platform(name);
  const context: JobContext = {
    ...here,
    env: process.env,
    signal,
    task: number('CLOUD_RUN_TASK_INDEX', 0),
    tasks: number('CLOUD_RUN_TASK_COUNT', 1),
    attempt: number('CLOUD_RUN_TASK_ATTEMPT', 0),
    holder: `${name}-${randomUUID()}`,
  };
  try {
    await handler(context);
    return 0;
  } catch (thrown) {
    here.log.error('job failed', { error: inspect(thrown) });
    return thrown instanceof TerminalError ? 0 : 1;
  }
}

/** A variable the job cannot do without. @throws TerminalError naming it. */
export function requiredEnv(env: JobContext['env'], name: string): string {
  const value = env[name];
  if (value === undefined || value === '')
    throw new TerminalError('configuration-invalid', `The variable ${name} is not set.`, {
      remedy: 'Start the container with it.',
    });
  return value;
}
