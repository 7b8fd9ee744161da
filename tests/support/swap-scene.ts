/** A company's record of every kind, by ids and words that no other company has, and what tells that it was touched. */
import { randomBytes } from 'node:crypto';
import { openWarehouse } from '#cloud/bigquery';
import { type Write } from '#cloud/firestore';
import { openFiles } from '#cloud/storage';
import { Deployment } from '#core/deployment';
import { EtlRun } from '#core/etl-run';
import { datasetNames } from '#core/model';
import { paths } from '#core/paths';
import { PipelineRun } from '#core/pipeline-run';
import { Tenant } from '#core/tenant';
import { TenantExport, TenantImport } from '#core/tenant-file';
import { idFrom } from '#store/store';
import type { Company } from './cast.ts';
import { useLocalCloud } from './local-cloud.ts';
import { warehouseRows } from './raw-tables.ts';
import type { TestStore } from './store.ts';
import { seedEstate } from './tenant-estate.ts';
import { recordsOf } from './web/records.ts';

/** Ids by what they name: the parameters of the API's paths, and a little more. */
export interface SwapIds {
  readonly tenant: string;
  readonly model: string;
  readonly source: string;
  readonly table: string;
  readonly dataset: string;
  readonly config: string;
  readonly etlRun: string;
  readonly pipelineRun: string;
  readonly version: string;
  readonly deployment: string;
  readonly schedule: string;
  readonly firing: string;
  readonly key: string;
  readonly invitation: string;
  readonly member: string;
  readonly export: string;
  readonly import: string;
  readonly test: string;
  readonly channel: string;
  readonly delivery: string;
  /** A table of the raw dataset. */
  readonly destination: string;
  /** An uploaded file. */
  readonly upload: string;
  /** A file of the tenant that is nobody's upload. */
  readonly exported: string;
}

/** A company with its records. `marker` stands in every name and text of it. */
export interface SwapScene {
  readonly company: Company;
  readonly ids: SwapIds;
  readonly marker: string;
}

const AT = '2026-11-01T08:00:00.000Z';
const IDS =
  /\b(ione1|kone1|retl1|serp1|scsv1|torderlines|dlines|cquick|hnight|fone1|hhook1|dsent1|aone1|rpipe1|vone1|ddeploy1)\b/g;
const NAMES = /"(Spare parts|for the branch|ERP|Files|Order lines|Quick|Every night|Shop)"/g;

/** Writes the records as functions would, and two things of them that are outside Firestore: a raw table and two files. */
export async function makeSwapScene(store: TestStore, company: Company): Promise<SwapScene> {
  const { tenant, model } = company;
  const tag = `x${randomBytes(5).toString('hex')}`;
  const marker = `marker${tag}`;
  const { cloud } = Tenant.parse((await store.db.get(paths.tenant(tenant)))?.data);
  const [etlRun, pipelineRun] = [`retl1${tag}`, `rpipe1${tag}`];
  const destination = `erp__public_order_lines_${tag}`;
  const upload = `gs://${cloud.bucket}/${tenant}/${model}/uploads/u1${tag}/orders.csv`;
  const exported = `gs://${cloud.bucket}/${tenant}/exports/xone1${tag}.jsonl.gz`;
  const own = (write: Write): Write =>
    // The same write with other words in it.
    JSON.parse(
      JSON.stringify(write)
        .replaceAll(IDS, `$1${tag}`)
        .replaceAll(NAMES, `"$1 ${marker}"`)
        .replaceAll('erp__public_order_lines', destination)
        .replaceAll('uploads/u1/', `uploads/u1${tag}/`)
        .replaceAll('new@example.com', `new.${marker}@example.com`)
        // Whatever is tried on it ends at once.
        .replaceAll('"host":"db.example.com","port":5432', '"host":"127.0.0.1","port":1'),
    ) as Write;
  const writes = (await capture(store, (kept) => seedEstate(kept, seed(tenant, cloud), model))).filter(
    ({ path }) =>
      path.startsWith(`${paths.tenant(tenant)}/`) &&
      !/\/(locks|lease|audit|connectionTests|units|plans|progress|logs|health|startRefusals)\//.test(path),
  );
  const busy = records(tenant, model, tag);
  await store.db.commit([
    ...writes.map(own),
    ...Object.entries({
      ...busy,
      [paths.connectionTest(tenant, model, `none1${tag}`)]: {
        id: `none1${tag}`,
        source: `serp1${tag}`,
        status: 'passed',
        steps: [{ name: 'resolve', status: 'passed', milliseconds: 1, message: marker, remedy: null }],
        failure: null,
        createdAt: AT,
        finishedAt: AT,
      },
    }).map(([path, data]): Write => ({ kind: 'set', path, data })),
  ]);
  const { projectId, env } = useLocalCloud();
  const files = openFiles(projectId);
  await files.save(upload, `sku\n${marker}\n`, 'text/csv');
  await files.save(exported, marker, 'application/gzip');
  await loadTable(
    cloud,
    datasetNames(cloud, tenant, model).raw,
    destination,
    marker,
    env['BIGQUERY_ENDPOINT'],
  );
  const ids: SwapIds = {
    tenant,
    model,
    source: `serp1${tag}`,
    table: `torderlines${tag}`,
    dataset: `dlines${tag}`,
    config: `cquick${tag}`,
    etlRun,
    pipelineRun,
    version: `vone1${tag}`,
    deployment: `ddeploy1${tag}`,
    schedule: `hnight${tag}`,
    firing: `fone1${tag}`,
    key: `kone1${tag}`,
    invitation: `ione1${tag}`,
    member: idFrom('u', company.members.viewer.uid),
    export: `xone1${tag}`,
    import: `iimp1${tag}`,
    test: `none1${tag}`,
    channel: `hhook1${tag}`,
    delivery: `dsent1${tag}`,
    destination,
    upload,
    exported,
  };
  return { company, ids, marker };
}

/** Everything of a tenant that a call could have changed, but the audit, which may tell of the attempt. */
export async function dumpOf(store: TestStore, { ids, company }: SwapScene): Promise<string[]> {
  const lines: string[] = [];
  const walk = async (collection: string): Promise<void> => {
    for (const path of await store.db.documents(collection)) {
      if (/\/(audit|auditBlocks)\//.test(path)) continue;
      const found = await store.db.get(path);
      lines.push(`${path} ${found?.version} ${JSON.stringify(found?.data)}`);
      for (const below of await store.db.collections(path)) await walk(below);
    }
  };
  for (const below of await store.db.collections(paths.tenant(ids.tenant))) await walk(below);
  const tenant = await store.db.get(paths.tenant(ids.tenant));
  lines.push(`${tenant?.path} ${tenant?.version}`);
  for (const root of ['keyHashes', paths.sealedAll, paths.watch])
    for (const { path, version } of await store.db.list(root, { where: [['tenant', '==', ids.tenant]] }))
      lines.push(`${path} ${version}`);
  const { bucket } = Tenant.parse(tenant?.data).cloud;
  for (const { uri, generation } of await openFiles(useLocalCloud().projectId).list(
    `gs://${bucket}/${ids.tenant}/`,
  ))
    if (!uri.includes(`/${ids.tenant}/audit/`)) lines.push(`${uri} ${generation}`);
  const { raw } = datasetNames({ datasetPrefix: 'tw_' }, ids.tenant, company.model);
  lines.push(JSON.stringify(await warehouseRows(`SELECT * FROM \`${raw}.${ids.destination}\` ORDER BY sku`)));
  return lines.sort();
}

function seed(id: string, cloud: Tenant['cloud']): Tenant {
  return Tenant.parse({ id, name: 'x', plan: 'standard', status: 'active', cloud, createdAt: AT });
}

/** What `write` would commit. */
async function capture(store: TestStore, write: (kept: TestStore) => Promise<void>): Promise<Write[]> {
  const kept: Write[] = [];
  await write({ ...store, db: { ...store.db, commit: async (writes) => void kept.push(...writes) } });
  return kept;
}

/** Runs that are active, so that a start is refused (or joins one) once all it names is found; an export, an import. */
function records(t: string, m: string, tag: string): Record<string, object> {
  const base = recordsOf(t, m);
  const [etl, pipeline, deployment] = [`rbusy1${tag}`, `rbusy2${tag}`, `dbusy1${tag}`];
  const named = { dataset: `dlines${tag}`, config: `cquick${tag}` };
  const file = { requestedBy: 'owner0', createdAt: AT, failure: null };
  return {
    [paths.etlRun(t, m, etl)]: EtlRun.parse({ ...base.etl('extracting', 1), id: etl }),
    [paths.pipelineRun(t, m, pipeline)]: PipelineRun.parse({
      ...base.pipeline('running', ['running']),
      ...named,
      id: pipeline,
    }),
    [paths.deployment(t, m, deployment)]: Deployment.parse({
      ...base.deployment('creating', ''),
      id: deployment,
      version: `vone1${tag}`,
      run: null,
    }),
    [paths.lock(t, m, 'etl')]: { run: etl },
    [paths.lock(t, m, 'pipeline')]: { run: pipeline },
    [paths.lock(t, m, 'deployment')]: { run: deployment },
    [paths.export(t, `xone1${tag}`)]: TenantExport.parse({
      ...file,
      id: `xone1${tag}`,
      status: 'done',
      finishedAt: AT,
      expiresAt: '2999-01-01T00:00:00.000Z',
      documents: 1,
      bytes: 1,
    }),
    [paths.import(t, `iimp1${tag}`)]: TenantImport.parse({
      ...file,
      id: `iimp1${tag}`,
      status: 'failed',
      finishedAt: AT,
      documents: null,
      leftOut: null,
      missing: [],
    }),
  };
}

async function loadTable(
  cloud: Tenant['cloud'],
  dataset: string,
  table: string,
  marker: string,
  bigquery: string | undefined,
): Promise<void> {
  const warehouse = openWarehouse({ ...cloud, endpoints: { bigquery } });
  await warehouse.ensureDataset(dataset);
  const job = `swap-${table}`;
  const sql = `SELECT '${marker}' AS customer_no, '${marker}' AS sku, TIMESTAMP '2026-01-01 00:00:00' AS ordered_at`;
  await warehouse.startQuery(job, sql, { into: { dataset, table } });
  const { state, message } = await warehouse.waitFor(job, 60);
  if (state !== 'succeeded') throw new Error(`the raw table was not made: ${message}`);
}
