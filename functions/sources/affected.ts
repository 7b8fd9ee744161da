/** What depends on the columns of a table that have changed: its own settings, data sets, and what was made of those. */
import type { Warehouse } from '#cloud/bigquery';
import type { Affected } from '#core/api/sources';
import { columnsRead, type Dataset } from '#core/dataset';
import { Deployment, isOnItsWay } from '#core/deployment';
import { type ColumnChange, needNewVersion } from '#core/drift';
import { asChosen } from '#core/misfit-policy';
import { mergeKeyOf } from '#core/merge-key';
import { paths } from '#core/paths';
import { PipelineConfig } from '#core/pipeline-config';
import { PipelineRun } from '#core/pipeline-run';
import { filteredColumns } from '#core/row-filter';
import { Schedule } from '#core/schedule';
import type { SourceTable } from '#core/source';
import { namesOf } from '#core/table-drift';
import type { Tenant } from '#core/tenant';
import { Version } from '#core/version';
import { inWarehouse } from '#core/warehouse-name';
import { readAll } from '#store/document';
import { worksOver } from '#store/raw-tables';
import type { ModelKey } from '#store/source-access';
import type { Store } from '#store/store';

/** What it is found out from. */
export interface Scene {
  readonly store: Store;
  readonly warehouse: Warehouse;
  readonly tenant: Tenant;
  readonly key: ModelKey;
  readonly table: SourceTable;
  /** The model's data sets. */
  readonly datasets: readonly Dataset[];
}

/** Runs of a data set that are looked through, newest first, for configurations and versions. */
const RUNS = 200;

/** All that depends on `changes`, from near to far. */
export async function affectedBy(scene: Scene, changes: readonly ColumnChange[]): Promise<Affected[]> {
  // What only came changes nothing for anybody, nor does what the warehouse has as before.
  const told = changes.filter(({ kind }) => !['added', 'restated', 'lost'].includes(kind));
  if (told.length === 0) return [];
  const own = ownSettings(scene.table, told);
  const datasets = await affectedDatasets(scene, told);
  return [...own, ...datasets.map(({ affected }) => affected), ...(await downstream(scene, datasets))];
}

function ownSettings(table: SourceTable, changes: readonly ColumnChange[]): Affected[] {
  const { cursor, filter, hashed, mode } = table;
  const uses: [Affected['kind'], string, readonly string[], string][] = [
    ['merge-key', 'The merge key', mode === 'merge' ? mergeKeyOf(table) : [], 'Rows are told apart by it.'],
    [
      'cursor',
      'The cursor',
      mode === 'replace' || cursor === null ? [] : [cursor],
      'New rows are told by it.',
    ],
    ['filter', 'The filter', filter === null ? [] : filteredColumns(filter), 'Rows are chosen by it.'],
    ['hash', 'The hashes', hashed.map(({ column }) => column), 'Its values are hashed.'],
  ];
  return uses.flatMap(([kind, name, columns, note]): Affected[] => {
    const found = changes.filter(
      (one) =>
        columns.includes(one.column) || (one.kind === 'key' && kind === 'merge-key' && columns.length > 0),
    );
    if (found.length === 0) return [];
    const works = found.every((one) => one.kind !== 'removed');
    const then = works ? note : `${note} Choose another: without it the table cannot be loaded.`;
    return [
      { kind, id: null, name, columns: found.map(({ column }) => column || 'the key'), works, note: then },
    ];
  });
}

interface AffectedDataset {
  readonly dataset: Dataset;
  readonly affected: Affected;
}

async function affectedDatasets(scene: Scene, changes: readonly ColumnChange[]): Promise<AffectedDataset[]> {
  const { table, warehouse, tenant, key } = scene;
  const begins = needNewVersion(changes, {
    mergesByPrimaryKey: table.mode === 'merge' && table.mergeKey === null,
  });
  const columns = columnsAfter(table, begins);
  const found: AffectedDataset[] = [];
  for (const dataset of scene.datasets.filter(({ deletedAt }) => deletedAt === null)) {
    const read = columnsRead(dataset, [table.destination]);
    const touched = read.filter(({ column }) => changes.some((one) => meansSame(one.column, column)));
    // A new version is another raw table for every data set over this one.
    if (read.length === 0 || (touched.length === 0 && !begins)) continue;
    const checked = await worksOver(warehouse, tenant, key.model, dataset, table.destination, columns);
    const gone = touched.filter(({ column }) =>
      changes.some((one) => one.kind === 'removed' && meansSame(one.column, column)),
    );
    const note = !checked.works
      ? `It cannot read the changed table (${checked.why}); it stays with the rows of the version that there is.`
      : gone.length > 0
        ? `${gone.map(({ column }) => `"${column}"`).join(', ')} is empty in all rows that come.`
        : begins
          ? 'It reads the new version as soon as that is loaded.'
          : 'It goes on as it is.';
    found.push({
      dataset,
      affected: {
        kind: 'dataset',
        id: dataset.id,
        name: dataset.name,
        columns: touched.map(({ column, use }) => `${column} (${use})`),
        works: checked.works && gone.length === 0,
        note,
      },
    });
  }
  return found.sort((a, b) => (a.dataset.name < b.dataset.name ? -1 : 1));
}

/** The raw table's columns after the change. What is gone stays, unless the table begins anew. */
function columnsAfter(table: SourceTable, begins: boolean) {
  const { columns, excluded, loaded } = table;
  const now = inWarehouse(asChosen(columns, table), excluded).map(({ name, type }) => ({ name, type }));
  const has = new Set(now.map(({ name }) => name.toLowerCase()));
  const stay = begins ? [] : (loaded?.columns ?? []).filter(({ name }) => !has.has(name.toLowerCase()));
  return [...now, ...stay.map(({ name, type }) => ({ name, type }))];
}

function meansSame(one: string, other: string): boolean {
  const names = namesOf(one);
  return namesOf(other).some((name) => names.includes(name));
}

/** What was made of the data sets, or is to be: each named once. */
async function downstream(
  { store, key: { tenant, model } }: Scene,
  datasets: readonly AffectedDataset[],
): Promise<Affected[]> {
  if (datasets.length === 0) return [];
  const of = new Map(datasets.map(({ dataset }) => [dataset.id, dataset.name]));
  const [schedules, configs, versions, deployments, ...runs] = await Promise.all([
    readAll(store, paths.schedules(tenant, model), Schedule),
    readAll(store, paths.pipelineConfigs(tenant, model), PipelineConfig),
    readAll(store, paths.versions(tenant, model), Version),
    readAll(store, paths.deployments(tenant, model), Deployment),
    ...[...of.keys()].map((dataset) =>
      readAll(store, paths.pipelineRuns(tenant, model), PipelineRun, {
        where: [['dataset', '==', dataset]],
        limit: RUNS,
      }),
    ),
  ]);
  const made = new Map(runs.flat().map((run) => [run.id, run]));
  const nameOf = (dataset: string) => `Over the data set "${of.get(dataset)}".`;
  const due = schedules.filter(
    ({ what, deletedAt }) => deletedAt === null && what.kind === 'pipeline' && of.has(what.dataset),
  );
  const used = new Set([
    ...[...made.values()].map(({ config }) => config),
    ...due.flatMap(({ what }) => (what.kind === 'pipeline' ? [what.config] : [])),
  ]);
  const trained = versions.filter(({ run, deletedAt }) => deletedAt === null && made.has(run));
  const live = deployments.filter(
    ({ status, version }) =>
      (status === 'live' || isOnItsWay(status)) && trained.some(({ id }) => id === version),
  );
  const entry = (kind: Affected['kind'], id: string, name: string, note: string): Affected => ({
    kind,
    id,
    name,
    columns: [],
    works: true,
    note,
  });
  return [
    ...due.map((one) =>
      entry('schedule', one.id, one.name, one.what.kind === 'pipeline' ? nameOf(one.what.dataset) : ''),
    ),
    ...configs
      .filter(({ id, deletedAt }) => deletedAt === null && used.has(id))
      .map((one) => entry('pipeline-config', one.id, one.name, 'Its runs read these data sets.')),
    ...trained.map((one) =>
      entry('version', one.id, `Version ${one.number}`, nameOf(made.get(one.run)?.dataset ?? '')),
    ),
    ...live.map((one) =>
      entry(
        'deployment',
        one.id,
        `Version ${trained.find(({ id }) => id === one.version)?.number} (${one.status})`,
        'It goes on with what it was trained on.',
      ),
    ),
  ];
}
