import { TerminalError, toError, toFailure } from '#core/errors';
import { withRetries } from './pause.ts';
import { landTable, type Staged, stageTable } from './publish.ts';
import type { TablePlan } from './records.ts';
import type { Scope } from './scope.ts';
import { failTable } from './tables.ts';
import { publishTogether } from './together.ts';

/**
 * Tables on their way into the warehouse while others are still being read: each is published once it is there, or all of
 * them when the last one is.
 */
export interface Landings {
  begin(plan: TablePlan): void;
  has(table: string): boolean;
  /** Whether one has failed. */
  readonly failed: boolean;
  /**
   * Resolves when all have landed or failed. @throws what is worth the whole container's another try; TerminalError where
   * all are published together and cannot be.
   */
  all(): Promise<void>;
  /** Resolves when nothing is at work any more, whatever came of it. */
  idle(): Promise<void>;
}

/** Loads are BigQuery's work, not ours: a few at a time keep its queues short and our memory small. */
const LANES = 3;

export function makeLandings(scope: Scope): Landings {
  const lanes = Array.from({ length: LANES }, () => Promise.resolve());
  const begun = new Set<string>();
  const errors: Error[] = [];
  /** Where all are published together: those that wait for the others. */
  const staged: Staged[] = [];
  let failed = false;

  const land = async (plan: TablePlan): Promise<void> => {
    const told = (error: Error, attempt: number) =>
      scope.log.warn('a table could not be published and is tried again', {
        table: plan.name,
        attempt,
        error: error.message,
      });
    try {
      scope.signal.throwIfAborted();
      if (scope.together) {
        const one = await withRetries(scope.signal, told, () => stageTable(scope, plan));
        if (one !== null) staged.push(one);
      } else await withRetries(scope.signal, told, () => landTable(scope, plan));
    } catch (error) {
      if (!(error instanceof TerminalError)) {
        errors.push(toError(error));
        return;
      }
      scope.log.error('a table failed', { table: plan.name, code: error.code, error: error.message });
      await failTable(scope.store, scope.key, plan.id, toFailure(error));
      failed = true;
    }
  };

  return {
    begin(plan) {
      const lane = begun.size % LANES;
      begun.add(plan.id);
      lanes[lane] = (lanes[lane] ?? Promise.resolve())
        .then(() => land(plan))
        .catch((error: unknown) => void errors.push(toError(error)));
    },
    has: (table) => begun.has(table),
    get failed() {
      return failed;
    },
    async all() {
      await Promise.all(lanes);
      if (errors[0] !== undefined) throw errors[0];
      if (scope.together) await publishTogether(scope, staged);
    },
    idle: async () => void (await Promise.all(lanes)),
  };
}
