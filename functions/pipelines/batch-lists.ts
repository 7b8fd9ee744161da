/*
 * Everybody's recommendations as tables of the warehouse. The trainer writes them beside the artifact, one Parquet file for
 * each slot; when a version goes live its files replace the tables `recommendations_<slot>` of the model's features dataset:
 * they are always those of the version that answers, all of them or none.
 */
import { type Field, openWarehouse, type Warehouse } from '#cloud/bigquery';
import { type Files, openFiles } from '#cloud/storage';
import type { Column } from '#core/column';
import { Deployment } from '#core/deployment';
import { datasetNames } from '#core/model';
import { paths } from '#core/paths';
import { SLOTS, type SlotName } from '#core/slot';
import { Tenant } from '#core/tenant';
import { Version } from '#core/version';
import { type ColumnBuilder, makeTableWriter } from '#columnar/table-writer';
import { batchRows } from '#recommender/batch';
import type { Recommender } from '#recommender/recommend';
import type { Platform } from '#runtime/platform';
import { read } from '#store/document';

/** How many items everybody's list has. */
export const BATCH_LENGTH = 20;

const FIELDS: readonly Field[] = [
  { name: 'customer', type: 'STRING', description: 'Key of the customer' },
  { name: 'place', type: 'INT64', description: 'From 1, the best' },
  { name: 'item', type: 'STRING', description: 'Key of the item' },
  { name: 'item_name', type: 'STRING' },
  { name: 'score', type: 'FLOAT64', description: '0: a popular item, of which the model has no opinion' },
  { name: 'version', type: 'STRING', description: 'The version that computed it' },
];
const COLUMNS: readonly Column[] = FIELDS.map(({ name, type }) => ({
  name,
  type,
  nullable: name === 'item_name',
  sourceType: type,
}));

/** Where a slot's file lies, given the artifact's address: they are written side by side. */
export function batchFileBeside(artifact: string, slot: SlotName): string {
  return artifact.replace(/[^/]*$/, `recommendations-${slot}.parquet`);
}

/** Writes the files beside `artifact`, replacing what an earlier try left; streamed, so memory does not grow with the customers. */
export async function writeBatchLists(
  files: Pick<Files, 'openWriter'>,
  recommender: Recommender,
  artifact: string,
  version: string,
  signal?: AbortSignal,
): Promise<void> {
  for (const slot of SLOTS) {
    const object = files.openWriter(batchFileBeside(artifact, slot), 'application/octet-stream');
    try {
      const writer = makeTableWriter(COLUMNS, object);
      for await (const rows of batchRows(recommender, slot, BATCH_LENGTH, signal)) {
        for (const { customer, place, item, name, score } of rows) {
          [customer, place, item, name, score, version].forEach((value, index) =>
            append(writer.builders[index], value),
          );
          writer.endRow();
        }
        if (writer.full) await writer.drain();
      }
      await writer.close();
      await object.close();
    } catch (thrown) {
      object.abort();
      throw thrown;
    }
  }
}

function append(builder: ColumnBuilder | undefined, value: string | number | null): void {
  if (value === null) builder?.appendNull();
  else if (builder?.kind === 'integer') builder.appendNumber(Number(value));
  else if (builder?.kind === 'float') builder.append(Number(value));
  else if (builder?.kind === 'bytes') builder.appendText(String(value));
}

/** Sees to it that the tables hold the lists of this deployment's version, unless another answers by now. */
export async function publishLists(
  ids: { readonly tenant: string; readonly model: string; readonly deployment: string },
  { store, config, log }: Platform,
): Promise<void> {
  const found = await read(store, paths.deployment(ids.tenant, ids.model, ids.deployment), Deployment);
  if (found?.value.status !== 'live') return;
  const [tenant, version] = await Promise.all([
    read(store, paths.tenant(ids.tenant), Tenant),
    read(store, paths.version(ids.tenant, ids.model, found.value.version), Version),
  ]);
  if (tenant === null || version === null) return;
  const at = {
    files: openFiles(tenant.value.cloud.projectId),
    warehouse: openWarehouse({ ...tenant.value.cloud, endpoints: config.endpoints }),
  };
  const { artifact } = version.value;
  const jobs = await loadBatchLists(at, ids, tenant.value, { id: ids.deployment, artifact });
  log.info('lists of all customers are loaded', { deployment: ids.deployment, jobs: jobs.join(' ') });
}

/**
 * Starts the loads of a live deployment's lists; versions trained before there were any have no files. May be called again:
 * one deployment's load is the same job.
 * @returns the ids of the jobs
 */
export async function loadBatchLists(
  at: { readonly files: Pick<Files, 'stat'>; readonly warehouse: Pick<Warehouse, 'startLoad'> },
  ids: { readonly tenant: string; readonly model: string },
  tenant: Pick<Tenant, 'cloud'>,
  deployment: Pick<Deployment, 'id'> & { readonly artifact: string },
): Promise<string[]> {
  const dataset = datasetNames(tenant.cloud, ids.tenant, ids.model).features;
  const jobs: string[] = [];
  for (const slot of SLOTS) {
    const uri = batchFileBeside(deployment.artifact, slot);
    if ((await at.files.stat(uri)) === null) continue;
    const job = `tw-${deployment.id}-recommendations-${slot}`;
    await at.warehouse.startLoad(job, { dataset, table: `recommendations_${slot}` }, [uri], FIELDS);
    jobs.push(job);
  }
  return jobs;
}
