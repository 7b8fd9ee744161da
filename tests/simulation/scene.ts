/* What a world begins with: tenants with models that are ready to be loaded, trained and deployed. */
import { createHash } from 'node:crypto';
import { Cleaning, Dataset } from '#core/dataset';
import { Model } from '#core/model';
import { paths } from '#core/paths';
import { PipelineConfig } from '#core/pipeline-config';
import { Source, SourceTable } from '#core/source';
import { Tenant } from '#core/tenant';
import { Version } from '#core/version';
import type { Random } from './random.ts';

export interface ModelPlace {
  readonly tenant: string;
  readonly model: string;
  readonly configs: readonly [string, ...string[]];
  readonly dataset: string;
  readonly versions: readonly [string, ...string[]];
}

const AT = '2026-02-01T08:00:00.000Z';
const share = { ndcg10: 0.2, recall10: 0.2, recall20: 0.2, coverage: 0.2 };

/** How a deployment takes over: at once, or by a canary that bakes for a while. */
export function servingSettings(random: Random) {
  return {
    smokeCustomers: 1,
    warmUp: random.pick([0, 2]),
    canary: { steps: random.pick([[], [30], [20, 60]]), bakeSeconds: random.pick([0, 4, 90]) },
  };
}

/** Sets one to three tenants up with a model each, or one of them with two. */
export function setScene(
  random: Random,
  write: (path: string, data: Record<string, unknown>) => void,
  putFile: (uri: string, text: string) => void,
): ModelPlace[] {
  const models: ModelPlace[] = [];
  for (let t = random.pick([1, 1, 1, 2, 3]); t > 0; t--) {
    const tenant = `t00${t}`;
    const cloud = {
      projectId: `project-${t}`,
      location: 'europe-west1',
      bucket: `bucket-${t}`,
      datasetPrefix: '',
    };
    const record = { id: tenant, name: tenant, plan: 'standard', status: 'active', cloud, createdAt: AT };
    write(paths.tenant(tenant), Tenant.parse(record));
    for (let m = t === 1 && random.chance(0.4) ? 2 : 1; m > 0; m--)
      models.push(setModel(random, write, putFile, tenant, `m${t}0${m}`));
  }
  return models;
}

/** A model with a source, a data set, configurations and two versions. */
export function setModel(
  random: Random,
  write: (path: string, data: Record<string, unknown>) => void,
  putFile: (uri: string, text: string) => void,
  tenant: string,
  model: string,
): ModelPlace {
  write(
    paths.model(tenant, model),
    Model.parse({
      id: model,
      name: model,
      description: '',
      status: 'draft',
      createdAt: AT,
      liveDeployment: null,
    }),
  );
  const source = Source.parse({
    id: 's001',
    name: 'Source',
    settings: { kind: 'csv', uris: ['gs://bucket-x/orders.csv'] },
    credentialsSetAt: null,
    enabled: true,
    createdAt: AT,
  });
  write(paths.source(tenant, model, source.id), source);
  for (let n = 1 + random.below(2); n > 0; n--) {
    const table = SourceTable.parse({
      id: `b00${n}`,
      source: source.id,
      name: `orders${n}`,
      columns: [],
      key: null,
      estimatedRows: 10,
      enabled: true,
      mode: 'replace',
      cursor: null,
      destination: `orders${n}`,
      rejectLimit: 0,
      discoveredAt: AT,
    });
    write(paths.sourceTable(tenant, model, source.id, table.id), table);
  }
  const column = (name: string) => ({ table: 'lines', column: name });
  const dataset = Dataset.parse({
    id: 'd001',
    name: 'Orders',
    tables: [{ alias: 'lines', destination: 'orders1' }],
    joins: [],
    roles: { customer: column('customer'), item: column('item'), time: column('placed') },
    cleaning: Cleaning.parse({}),
    createdAt: AT,
    updatedAt: AT,
  });
  write(paths.dataset(tenant, model, dataset.id), dataset);
  for (const automatic of [true, false]) {
    const id = automatic ? 'c001' : 'c002';
    const config = PipelineConfig.parse({
      id,
      name: id,
      training: { preset: 'quick' },
      deployment: { automatic, ...servingSettings(random) },
      createdAt: AT,
    });
    write(paths.pipelineConfig(tenant, model, id), config);
  }
  for (const number of [1, 2]) setVersion(write, putFile, tenant, model, number);
  return {
    tenant,
    model,
    configs: ['c001', 'c001', 'c002'],
    dataset: dataset.id,
    versions: ['v001', 'v002'],
  };
}

function setVersion(
  write: (path: string, data: Record<string, unknown>) => void,
  putFile: (uri: string, text: string) => void,
  tenant: string,
  model: string,
  number: number,
): void {
  const id = `v00${number}`;
  const artifact = `gs://bucket-x/${tenant}/${model}/${id}/model.twa`;
  putFile(artifact, id);
  putFile(
    artifact.replace(/[^/]*$/, 'offline-lists.json'),
    JSON.stringify([{ customer: 'c1', slot: 'reorder', items: ['p1', 'p2'] }]),
  );
  const version = Version.parse({
    id,
    number,
    run: `r00${number}`,
    status: 'approved',
    artifact,
    sha256: createHash('sha256').update(id).digest('hex'),
    bytes: id.length,
    metrics: {
      slots: {},
      overall: { model: share, baselines: {}, customers: 50 },
      window: {
        trainFrom: AT,
        validationFrom: AT,
        testFrom: AT,
        testUntil: AT,
        newCustomers: 0,
        newItemPurchases: 0,
      },
      trials: 1,
      seconds: 1,
    },
    gate: { passed: true, reasons: [] },
    createdAt: AT,
  });
  write(paths.version(tenant, model, id), version);
  write(paths.versionNumber(tenant, model, number), { version: id });
}
