import type { TableRef } from '#cloud/bigquery';
import type { Files } from '#cloud/storage';
import { TerminalError } from '#core/errors';
import { datasetNames } from '#core/model';
import { paths } from '#core/paths';
import { outputsOf, PipelineRun } from '#core/pipeline-run';
import { quoteTable } from '#core/sql/quote';
import { snapshotFolder } from '#core/training-result';
import type { Tenant } from '#core/tenant';
import { readAll } from '#store/document';
import { linesOf } from './extraction.ts';
import type { RunIds, StageContext, StageOutcome, StageWork } from './run-context.ts';
import { customersSql, interactionsSql, itemsSql, LATER_COLUMNS } from './snapshot-sql.ts';
import { RUN_TABLE_HOURS, runPhases, scannedBy, stopJobs, type WarehouseJob } from './warehouse-jobs.ts';

/** Vocabulary: dense ids for customers and items, the interactions by id, all three exported for the trainer. */
export const vocabulary: StageWork = {
  stage: 'vocabulary',
  advance,
  async stop(context) {
    const state = await stopJobs(
      context.warehouse,
      jobsOf(context),
      NAMES.map((name) => tableOf(context, name)),
    );
    if (state === 'stopped')
      await context.files.deleteAll(snapshotOf(context.tenant, context.ids, ownOutputs(context)));
    return state;
  },
  spent: (context) => scannedBy(context.warehouse, jobsOf(context)),
};

/** The snapshot's parts, and the tables they are exported from. */
const NAMES = ['customers', 'items', 'interactions'] as const;
type Part = (typeof NAMES)[number];

/** Below these nothing can be learned or measured. */
export const LEAST = { customers: 5, items: 5, interactions: 50 } as const;

const ownOutputs = ({ ids, attempt }: StageContext) => ({ run: ids.run, attempts: attempt });
const jobId = ({ ids, attempt }: StageContext, step: string) => `tw-${ids.run}-${step}-${attempt}`;
const exportId = (context: StageContext, name: Part) => jobId(context, `export-${name}`);
const jobsOf = (context: StageContext) =>
  NAMES.flatMap((name) => [jobId(context, name), exportId(context, name)]);

function tableOf({ tenant, ids }: StageContext, name: Part): TableRef {
  const { features } = datasetNames(tenant.cloud, ids.tenant, ids.model);
  return { dataset: features, table: `run_${ids.run}_${name}` };
}

async function advance(context: StageContext): Promise<StageOutcome> {
  const { ids, tenant, run, warehouse, deadline, signal, store } = context;
  if (run.stages.vocabulary.executor === null) {
    const same = await sameSnapshot(context);
    if (same !== null) return same;
  }
  const patience = { deadline, signal, clock: store.clock };
  const quote = (ref: TableRef) => quoteTable(tenant.cloud.projectId, ref.dataset, ref.table);
  const quoted = (name: Part) => quote(tableOf(context, name));
  const extracted = linesOf(tenant, { ...ids, run: outputsOf(run, 'extraction').run });
  const lines = quote(extracted);
  const make = (name: Part, sql: string): WarehouseJob => ({
    id: jobId(context, name),
    start: (w) => w.startQuery(jobId(context, name), sql, { into: tableOf(context, name) }),
  });
  const executor = jobId(context, 'customers');
  const known = (await warehouse.describe(extracted))?.fields.map(({ name }) => name) ?? [];
  const lacks = LATER_COLUMNS.filter((name) => !known.includes(name));
  const made = await runPhases(
    warehouse,
    [
      [make('customers', customersSql(lines, lacks)), make('items', itemsSql(lines, lacks))],
      [make('interactions', interactionsSql(lines, quoted('customers'), quoted('items')))],
    ],
    patience,
  );
  if (made !== null) return made.state === 'running' ? { ...made, executor } : made;
  await Promise.all(NAMES.map((name) => warehouse.expireTable(tableOf(context, name), RUN_TABLE_HOURS)));
  const rows = async (name: Part) => (await warehouse.describe(tableOf(context, name)))?.rows ?? 0;
  const [customers, items, interactions] = await Promise.all([
    rows('customers'),
    rows('items'),
    rows('interactions'),
  ]);
  const counts = { customers, items, interactions };
  requireEnough(counts);

  const snapshot = snapshotOf(tenant, ids, ownOutputs(context));
  const exported = await runPhases(
    warehouse,
    [
      NAMES.map((name) => ({
        id: exportId(context, name),
        start: (w) =>
          w.startExport(exportId(context, name), tableOf(context, name), `${snapshot}${name}-*.parquet`),
      })),
    ],
    patience,
  );
  if (exported !== null) return exported.state === 'running' ? { ...exported, executor } : exported;
  context.log.info('vocabulary: snapshot written', counts);
  return { state: 'done', found: { vocabulary: counts }, executor: exportId(context, 'interactions') };
}

/** How many earlier runs with the same lines are looked at. */
const LOOK_BACK = 50;

/** What a trainer says of a snapshot that is not as it was made. */
const DAMAGED: readonly string[] = ['snapshot-incomplete', 'snapshot-missing'];

/** The runs whose snapshots a trainer has found damaged, as `runs` tell: those that read them, whoever made them. */
export function damagedSnapshots(runs: readonly PipelineRun[]): ReadonlySet<string> {
  const found = runs.filter(({ stages }) => DAMAGED.includes(stages.training.failure?.code ?? ''));
  return new Set(found.map((run) => outputsOf(run, 'vocabulary').run));
}

/**
 * An earlier run of the model that extracted the same lines, and whose snapshot is still there, undamaged as far as known:
 * it was made from them alone, so making it again would make the same.
 */
async function sameSnapshot(context: StageContext): Promise<StageOutcome | null> {
  const { ids, run, store, tenant, files } = context;
  const hash = run.extraction?.contentHash;
  if (hash === undefined) return null;
  const earlier = await readAll(store, paths.pipelineRuns(ids.tenant, ids.model), PipelineRun, {
    where: [['extraction.contentHash', '==', hash]],
    limit: LOOK_BACK,
  });
  const damaged = damagedSnapshots(earlier);
  for (const other of earlier) {
    const { status } = other.stages.vocabulary;
    if (other.id === ids.run || other.vocabulary === null) continue;
    if (status !== 'succeeded' && status !== 'reused') continue;
    const from = outputsOf(other, 'vocabulary');
    if (damaged.has(from.run) || !(await isSnapshotThere(files, snapshotOf(tenant, ids, from)))) continue;
    return { state: 'reused', from, found: { vocabulary: other.vocabulary } };
  }
  return null;
}

/** Whether every part of a snapshot is there. Whether they are whole is checked by who reads them. */
export async function isSnapshotThere(files: Pick<Files, 'list'>, snapshot: string): Promise<boolean> {
  const found = (await files.list(snapshot)).map(({ uri }) => uri.slice(snapshot.length));
  return NAMES.every((name) => found.some((file) => file.startsWith(`${name}-`)));
}

/** Where the given attempt of a run's vocabulary stage exports the snapshot to. */
export function snapshotOf(
  tenant: Tenant,
  { tenant: t, model }: Pick<RunIds, 'tenant' | 'model'>,
  { run, attempts }: { readonly run: string; readonly attempts: number },
): string {
  return snapshotFolder(tenant.cloud.bucket, t, model, run, attempts);
}

/** @throws TerminalError `too-little-data`, naming what there is too little of. */
export function requireEnough(counts: Readonly<Record<keyof typeof LEAST, number>>): void {
  for (const name of NAMES) {
    if (counts[name] >= LEAST[name]) continue;
    throw new TerminalError(
      'too-little-data',
      `There are only ${counts[name]} ${name} after cleaning; a model needs at least ${LEAST[name]}.`,
      { remedy: 'Load more orders, or check which columns mean what and what cleaning leaves out.' },
    );
  }
}
