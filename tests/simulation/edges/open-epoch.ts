/*
 * An epoch without sources: every table is planned and read at once, in as long as that takes. What is read is the business
 * of the ETL's own tests; who may do it, how often, and what is left when a container dies is what is simulated.
 */
import { TerminalError } from '#core/errors';
import { EtlTable, etlCycle } from '#core/etl-run';
import { paths } from '#core/paths';
import { transition } from '#store/document';
import { commitFenced, type Lease } from '#store/lease';
import { TablePlan } from '../../../functions/etl/records.ts';
import { tablePath } from '../../../functions/etl/run-key.ts';
import type { Scope } from '../../../functions/etl/scope.ts';

export async function openEpoch(scope: Scope, lease: Lease, tables: readonly EtlTable[]) {
  await simulation.pause(simulation.between(300, 7000), scope.signal);
  if (simulation.chance(0.03)) throw new TerminalError('source-refused', 'The source refused the sign-in.');
  const plans = tables.map(({ id, source, name, destination, mode }) =>
    TablePlan.parse({
      id,
      source,
      name,
      destination,
      epoch: 1,
      units: 0,
      extracted: false,
      columns: [],
      write: mode,
      nothing: false,
      lastRun: '',
      cursor: null,
      watermark: null,
      // 1: more of it will be rejected than it may; the same whoever publishes it.
      rejectLimit: simulation.chance(0.05) ? 1 : 0,
    }),
  );
  for (const plan of plans) {
    const path = paths.etlPlan(scope.path, plan.id);
    await commitFenced(scope.store, lease, [{ kind: 'set', path, data: { ...plan } }]);
    for (const event of ['plan', 'extract'] as const)
      await transition(scope.store, tablePath(scope.key, plan.id), EtlTable, etlCycle, event);
  }
  return { epoch: { number: 1, snapshots: {} }, plans, close: async () => undefined };
}
