/* The publication without SQL: one job per table under the same ids, and the ledger that says what was published. */
import { TerminalError } from '#core/errors';
import { EtlTable, etlCycle } from '#core/etl-run';
import { mustRead, transition } from '#store/document';
import { runJob } from '../../../functions/etl/jobs.ts';
import { markLanded, publication } from '../../../functions/etl/publish.ts';
import type { TablePlan } from '../../../functions/etl/records.ts';
import { tablePath } from '../../../functions/etl/run-key.ts';
import type { Scope } from '../../../functions/etl/scope.ts';
import { jobName } from '../../../functions/etl/staging.ts';
import { isOver } from '../../../functions/etl/tables.ts';

export * from '../../../functions/etl/publish.ts';

const COUNTS = { rows: 100, bytes: 1000, rejected: {} };

export const prepareWarehouse = async () => undefined;

export async function landTable(scope: Scope, plan: TablePlan): Promise<void> {
  const path = tablePath(scope.key, plan.id);
  await transition(scope.store, path, EtlTable, etlCycle, 'publish', { patch: () => ({ counts: COUNTS }) });
  const givenUp = async () => isOver((await mustRead(scope.store, path, EtlTable, 'table')).value);
  if (await givenUp()) return;
  if (plan.rejectLimit === 1) throw new TerminalError('too-many-rejects', 'Too many rows were rejected.');
  if ((await publication(scope, plan.destination)) === null) {
    if (await givenUp()) return;
    const params = { run: scope.key.run, table: plan.destination };
    await runJob(
      scope,
      jobName(scope, plan.id, 'publish'),
      (jobId) => scope.warehouse.startQuery(jobId, 'publish', { params }),
      async () => (await publication(scope, plan.destination)) !== null,
    );
  }
  await markLanded(scope, plan, COUNTS, 0);
}
