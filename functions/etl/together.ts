import { inLanes } from '#core/in-lanes';
import { runJob } from './jobs.ts';
import { isPublished, landed, refusedOf, type Staged } from './publish.ts';
import type { Scope } from './scope.ts';
import { togetherJobName } from './staging.ts';
import { markStep, tablesOf } from './tables.ts';
import { apart, planTogether } from './together-plan.ts';

/** Tables told to be published at a time. */
const LANES = 8;

/** Ends a run whose tables are published together once one of them cannot be. @throws TerminalError `together-failed` */
export async function stopWhereApart(scope: Scope): Promise<void> {
  if (!scope.together) return;
  const failed = apart(await tablesOf(scope.store, scope.key));
  if (failed !== null) throw failed;
}

/**
 * Publishes what is staged of a run, all of it in one transaction or nothing: every table with its ledger row. May be done
 * again at any point: the job's ids are the same, and what is published is not published again.
 * @throws TerminalError `together-failed`, `too-many-together`, and what the publication of one table does
 */
export async function publishTogether(scope: Scope, staged: readonly Staged[]): Promise<void> {
  await stopWhereApart(scope);
  const parts = staged.flatMap(({ publication, plan, params }) =>
    publication === null ? [] : [{ publication, destination: plan.destination, params }],
  );
  const [first] = parts;
  if (first !== undefined) {
    const { script, params } = planTogether(scope.key.run, parts);
    await inLanes(staged, LANES, ({ plan }) => markStep(scope, plan.id, 'publishing'));
    try {
      await runJob(
        scope,
        togetherJobName(scope),
        (jobId) => scope.warehouse.startQuery(jobId, script, { params }),
        // One of them is there: all are.
        () => isPublished(scope, first.destination),
      );
    } catch (error) {
      const plans = staged.map(({ plan }) => plan);
      throw refusedOf(error, plans);
    }
    scope.log.info('tables published together', { tables: parts.length });
  }
  await inLanes(staged, LANES, (one) => landed(scope, one));
}
