import type { JobOutcome } from '#cloud/bigquery';
import { TerminalError } from '#core/errors';
import { pause } from './pause.ts';
import type { Scope } from './scope.ts';

/** Reasons that BigQuery's own documentation says to try again after. */
const WORTH_ANOTHER_TRY: readonly string[] = [
  'backendError',
  'internalError',
  'jobBackendError',
  'jobInternalError',
  'rateLimitExceeded',
  'jobRateLimitExceeded',
  'tableUnavailable',
  'stopped',
];
/** Attempts of one job: their ids are the same whoever makes them. */
export const MAX_JOB_ATTEMPTS = 4;

/**
 * Runs a job to its end under ids that are the same whoever runs it: `<name>-<attempt>`. A new attempt starts only when
 * the former is over, and then only if `isDone` says that it left nothing behind: it failed, or its id was used up by
 * somebody who meant to end the run and died (settle.ts). Without `isDone` a job's success is enough. When `signal` fires
 * the job is left as it is: whoever goes on with the run waits for it, whoever ends the run stops it.
 * Attempts rest 1, 4 and 16 seconds: `rest` (milliseconds). Their ids are used up then, for every later task too.
 * @throws TerminalError `warehouse-job-failed` with BigQuery's words.
 */
export async function runJob(
  { warehouse, signal, log }: Pick<Scope, 'warehouse' | 'signal' | 'log'>,
  name: string,
  start: (jobId: string) => Promise<void>,
  isDone?: () => Promise<boolean>,
  rest: typeof pause = pause,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const jobId = `${name}-${attempt}`;
    signal.throwIfAborted();
    await start(jobId);
    let outcome = await warehouse.waitFor(jobId, 30, signal);
    while (outcome.state === 'running') {
      signal.throwIfAborted();
      outcome = await warehouse.waitFor(jobId, 30, signal);
    }
    const succeeded = outcome.state === 'succeeded';
    if (isDone === undefined ? succeeded : await isDone()) return;
    const again =
      succeeded || WORTH_ANOTHER_TRY.includes(outcome.reason) || /concurrent update/i.test(outcome.message);
    if (!again || attempt === MAX_JOB_ATTEMPTS) throw refused(jobId, outcome, again ? attempt : 1);
    log.warn('a warehouse job came to nothing and is tried again', { jobId, reason: outcome.reason });
    await rest(1000 * 4 ** (attempt - 1), signal);
  }
}

function refused(jobId: string, { message, reason }: JobOutcome, attempts: number): TerminalError {
  const times = attempts === 1 ? '' : ` in ${attempts} attempts (${reason})`;
  return new TerminalError('warehouse-job-failed', `BigQuery could not do ${jobId}${times}: ${message}`, {
    remedy:
      attempts === 1
        ? 'See the message; if it does not name something in your data, send it to support.'
        : 'Start the load again later; if it happens again, send the message to support.',
  });
}
