import { openWarehouse } from '#cloud/bigquery';
import { Dataset } from '#core/dataset';
import type { TableListing } from '#connectors/connector';
import { toFailure } from '#core/errors';
import { inLanes } from '#core/in-lanes';
import { checkQuota } from '#core/limits';
import { datasetNames } from '#core/model';
import { paths } from '#core/paths';
import type { PreflightCheck, TableEstimate } from '#core/preflight';
import type { SourceTable } from '#core/source';
import { readersOf } from '#core/table-drift';
import { Tenant } from '#core/tenant';
import type { Config } from '#runtime/config';
import { mustRead, readAll } from '#store/document';
import { mustBeActive } from '#store/model-access';
import { runsOfTheDay } from '#store/runs-of-the-day';
import type { ModelKey } from '#store/source-access';
import type { Store } from '#store/store';
import { estimateTable, formerLoads, type RawSize } from './estimate.ts';
import { planTasks } from './plan.ts';
import { checkConnections, checkDestinations, checkTable, failed, passed } from './preflight-checks.ts';
import { probeSource } from './probe-source.ts';
import { type Choice, chooseTables, sourceTables, taskShare } from './tables.ts';

/** A request ends after 30 seconds; what has not answered by then is told as failed. */
const LIMIT_SECONDS = 24;

/** Sources probed together. */
const LANES = 6;

/**
 * What a run over the tables of `choice` would meet, without loading anything: nothing is written, no run is made. The
 * cheap checks come first; where they say that no run can begin, the sources are left in peace.
 */
export async function preflight(
  store: Store,
  config: Config,
  key: ModelKey,
  choice: Choice,
  limitSeconds = LIMIT_SECONDS,
): Promise<{ ok: boolean; checks: PreflightCheck[]; estimates: TableEstimate[] }> {
  const { value: tenant } = await mustRead(store, paths.tenant(key.tenant), Tenant, 'tenant');
  const checks = [
    await looked('model-active', null, async () => {
      await mustBeActive(store, key.tenant, key.model);
      return 'The model takes new runs.';
    }),
    await looked('quota', null, async () => {
      checkQuota(tenant, 'runsPerDay', await runsOfTheDay(store, key.tenant));
      return 'The plan allows another run.';
    }),
  ];
  const all = await sourceTables(store, key);
  let tables: SourceTable[] = [];
  checks.push(
    await looked('tables-enabled', null, async () => {
      tables = chooseTables(all, choice);
      return tables.length === 1 ? 'One table is to be loaded.' : `${tables.length} tables are to be loaded.`;
    }),
  );
  if (checks.some(({ ok }) => !ok)) return { ok: false, checks, estimates: [] };
  checks.push(...checkDestinations(tables));

  const warehouse = openWarehouse({ ...tenant.cloud, endpoints: config.endpoints });
  const { raw } = datasetNames(tenant.cloud, key.tenant, key.model);
  const signal = AbortSignal.timeout(limitSeconds * 1000);
  const readers = readersOf(await readAll(store, paths.datasets(key.tenant, key.model), Dataset));
  const former = await formerLoads(store, key);
  const sizes = new Map<string, { readonly raw: RawSize; readonly source: TableListing | null }>();
  const waiting = all.filter(({ source }) => tables.some((table) => table.source === source.id));
  const shares = waiting.map(({ source }) =>
    taskShare({ source, tables: tables.filter((table) => table.source === source.id) }),
  );
  const tasks = planTasks(shares);
  await inLanes(waiting, LANES, async ({ source }) => {
    const own = tables.filter((table) => table.source === source.id);
    const probed = await probeSource(store, config, key, source, own, signal);
    checks.push(probed.reached);
    if (probed.reached.ok) checks.push(...checkConnections(source, probed.allowed, tasks));
    for (const { table, described, cost } of probed.tables) {
      const loaded = await warehouse.describe({ dataset: raw, table: table.destination });
      sizes.set(table.id, { raw: loaded, source: 'code' in described ? null : described });
      checks.push(...checkTable(source, table, described, loaded?.fields ?? null, readers));
      if (cost !== null) checks.push(cost);
    }
  });
  const estimates = tables.map((table) => {
    const { source, raw: size } = sizes.get(table.id) ?? { source: null, raw: null };
    return estimateTable(table, source, former.get(table.id) ?? [], size);
  });
  return { ok: checks.every(({ ok }) => ok), checks, estimates };
}

/** The check that `look` makes: its words, or why it failed. */
async function looked(
  check: string,
  where: string | null,
  look: () => Promise<string>,
): Promise<PreflightCheck> {
  try {
    return passed(check, where, await look());
  } catch (error) {
    return failed(check, where, toFailure(error));
  }
}
