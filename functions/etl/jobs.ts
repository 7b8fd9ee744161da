import { TerminalError, TransientError } from '#core/errors';
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
const MAX_JOB_ATTEMPTS = 4;

/**
 * Runs a job to its end under ids that are the same whoever runs it: `<name>-<attempt>`. A new attempt starts only when
 * the former is over with an error, and then only if `alreadyDone` says that it left nothing behind.
 * @throws TerminalError `warehouse-job-failed` with BigQuery's words; TransientError when attempts are used up.
 */
export async function runJob(
  { warehouse, signal, log }: Pick<Scope, 'warehouse' | 'signal' | 'log'>,
  name: string,
  start: (jobId: string) => Promise<void>,
  alreadyDone: () => Promise<boolean> = async () => false,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const jobId = `${name}-${attempt}`;
    await start(jobId);
    let outcome = await warehouse.waitFor(jobId, 30);
    while (outcome.state === 'running') {
      signal.throwIfAborted();
      outcome = await warehouse.waitFor(jobId, 30);
    }
    if (outcome.state === 'succeeded' || (await alreadyDone())) return;
    const again = WORTH_ANOTHER_TRY.includes(outcome.reason) || /concurrent update/i.test(outcome.message);
    if (!again)
      throw new TerminalError('warehouse-job-failed', `BigQuery could not do ${jobId}: ${outcome.message}`, {
        remedy: 'See the message; if it does not name something in your data, send it to support.',
      });
    if (attempt === MAX_JOB_ATTEMPTS)
      throw new TransientError('warehouse-unavailable', `BigQuery failed ${jobId}: ${outcome.message}`);
    log.warn('a warehouse job failed and is tried again', { jobId, reason: outcome.reason });
  }
}
