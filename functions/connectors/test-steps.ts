/** Running the steps of a connection test: each is timed, told in words, and the first failure skips the rest. */
import { TerminalError, toFailure, TransientError } from '#core/errors';
import type { TestStep } from '#core/connection-test';
import type { TestedStep } from './connector.ts';

/** A step to try. `run` answers what to tell of its success; null: there was nothing to do, and why is told by `skip`. */
export interface PlannedStep {
  readonly name: TestStep['name'];
  readonly run: () => Promise<string | { readonly skip: string }>;
}

/** Runs `steps` in order, yields each as it ends. Rethrows only the signal's reason. */
export async function* runSteps(
  steps: readonly PlannedStep[],
  now: () => number,
  signal: AbortSignal,
): AsyncGenerator<TestedStep> {
  let failed = false;
  for (const { name, run } of steps) {
    if (failed) {
      yield outcome(name, 'skipped', 0, 'Not tried: an earlier step failed.');
      continue;
    }
    signal.throwIfAborted();
    const start = now();
    try {
      const answer = await run();
      const milliseconds = Math.round(now() - start);
      yield typeof answer === 'string'
        ? outcome(name, 'passed', milliseconds, answer)
        : outcome(name, 'skipped', milliseconds, answer.skip);
    } catch (error) {
      signal.throwIfAborted();
      failed = true;
      const { code, message, remedy } = toFailure(error);
      const known = error instanceof TerminalError || error instanceof TransientError;
      yield {
        name,
        status: 'failed',
        milliseconds: Math.round(now() - start),
        message: known ? message : `The step "${name}" failed unexpectedly.`,
        remedy,
        code,
      };
    }
  }
}

function outcome(
  name: TestStep['name'],
  status: 'passed' | 'skipped',
  milliseconds: number,
  message: string,
): TestedStep {
  return { name, status, milliseconds, message, remedy: null, code: null };
}
