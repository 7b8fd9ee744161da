import { Firestore } from '@google-cloud/firestore';
import { Dataset } from '#core/dataset';
import { Deployment } from '#core/deployment';
import { EtlRun, EtlTable } from '#core/etl-run';
import { MetricsReport } from '#core/metrics';
import { paths } from '#core/paths';
import { PipelineRun, pendingStage, type StageStatus } from '#core/pipeline-run';
import { PipelineConfigDefinition } from '#core/pipeline-config';
import { Source, SourceTable } from '#core/source';
import { Version } from '#core/version';

const AT = '2026-11-01T08:00:00.000Z';
const counts = (rows: number) => ({ rows, bytes: rows * 20, rejected: {} });

/** Records of a model as functions write them, each checked against its schema, so that pages can be seen in any state. */
export function recordsOf(tenant: string, model: string) {
  const settings = PipelineConfigDefinition.parse({ name: 'Quick', training: { preset: 'quick' } });
  return {
    source: Source.parse({
      id: 'serp1',
      name: 'ERP',
      settings: { kind: 'postgres', host: 'db.example.com', database: 'erp', user: 'reader' },
      credentialsSetAt: AT,
      enabled: true,
      createdAt: AT,
    }),
    table: (name: string, columns: string) =>
      SourceTable.parse({
        id: `t${name.replaceAll('_', '')}`,
        source: 'serp1',
        name: `public.${name}`,
        columns: columns.split(', ').map((each) => {
          const [column, type] = each.split(' ');
          return { name: column, type, nullable: false, sourceType: 'text' };
        }),
        key: null,
        estimatedRows: 120_000,
        enabled: true,
        mode: 'replace',
        cursor: null,
        destination: `erp__public_${name}`,
        rejectLimit: 0,
        discoveredAt: AT,
      }),
    etl: (status: EtlRun['status'], rows: number) =>
      EtlRun.parse({
        id: 'retl1',
        status,
        requestedBy: 'somebody',
        tables: 1,
        counts: counts(rows),
        failure:
          status === 'failed'
            ? {
                code: 'host-unreachable',
                message: 'db.example.com:5432 does not answer.',
                remedy: 'Check the firewall.',
              }
            : null,
        attempts: 1,
        executor: null,
        createdAt: AT,
        startedAt: AT,
        finishedAt: status === 'succeeded' ? '2026-11-01T08:00:21.000Z' : null,
      }),
    etlTable: (status: EtlTable['status'], rows: number) =>
      EtlTable.parse({
        id: 'torderlines',
        run: 'retl1',
        source: 'serp1',
        name: 'public.order_lines',
        destination: 'erp__public_order_lines',
        mode: 'replace',
        status,
        counts: counts(rows),
        failure: null,
        watermark: null,
        createdAt: AT,
        finishedAt: null,
      }),
    dataset: Dataset.parse({
      id: 'dlines',
      name: 'Order lines',
      tables: [{ alias: 'order_lines', destination: 'erp__public_order_lines' }],
      joins: [],
      roles: {
        customer: { table: 'order_lines', column: 'customer_no' },
        item: { table: 'order_lines', column: 'sku' },
        time: { table: 'order_lines', column: 'ordered_at' },
      },
      cleaning: {},
      createdAt: AT,
      updatedAt: AT,
    }),
    pipeline: (status: PipelineRun['status'], stages: readonly StageStatus[]) => {
      const [extraction = 'pending', vocabulary = 'pending', training = 'pending', deployment = 'pending'] =
        stages;
      const stage = (of: StageStatus) => ({ ...pendingStage(), status: of });
      return PipelineRun.parse({
        id: 'rpipe1',
        status,
        config: 'cquick',
        dataset: 'dlines',
        settings,
        requestedBy: 'somebody',
        asOf: AT,
        stages: {
          extraction: stage(extraction),
          vocabulary: stage(vocabulary),
          training: stage(training),
          deployment: stage(deployment),
        },
        extraction:
          extraction === 'succeeded'
            ? {
                lines: 120_000,
                kept: 118_200,
                dropped: { return: 1500, 'no-customer': 300 },
                contentHash: 'x',
              }
            : null,
        vocabulary: vocabulary === 'succeeded' ? { customers: 900, items: 2400, interactions: 50_000 } : null,
        metrics: training === 'succeeded' ? metrics() : null,
        version: training === 'succeeded' ? 'vone1' : null,
        deployment: deployment === 'succeeded' ? 'ddeploy1' : null,
        failure: null,
        createdAt: AT,
        finishedAt: status === 'succeeded' ? '2026-11-01T08:01:10.000Z' : null,
      });
    },
    version: Version.parse({
      id: 'vone1',
      number: 1,
      run: 'rpipe1',
      status: 'approved',
      artifact: 'gs://bucket/artifact',
      sha256: 'ab',
      bytes: 3_400_000,
      metrics: metrics(),
      gate: { passed: true, reasons: ['discover: 0.214 against 0.097 of popularity'] },
      createdAt: AT,
    }),
    deployment: (status: Deployment['status'], url: string) =>
      Deployment.parse({
        id: 'ddeploy1',
        version: 'vone1',
        run: 'rpipe1',
        status,
        settings: {},
        requestedBy: 'somebody',
        attempts: 1,
        service: 'recommender',
        revision: 'r1',
        url: status === 'live' ? url : null,
        compared: 25,
        failure: null,
        createdAt: AT,
        liveAt: status === 'live' ? AT : null,
        finishedAt: null,
      }),
    paths: {
      source: paths.source(tenant, model, 'serp1'),
      table: (id: string) => paths.sourceTable(tenant, model, 'serp1', id),
      etl: paths.etlRun(tenant, model, 'retl1'),
      etlTable: paths.etlTable(tenant, model, 'retl1', 'torderlines'),
      log: `${paths.logs(paths.etlRun(tenant, model, 'retl1'))}/0001`,
      dataset: paths.dataset(tenant, model, 'dlines'),
      pipeline: paths.pipelineRun(tenant, model, 'rpipe1'),
      version: paths.version(tenant, model, 'vone1'),
      deployment: paths.deployment(tenant, model, 'ddeploy1'),
    },
  };
}

function metrics(): MetricsReport {
  const ranked = (ndcg10: number) => ({
    ndcg10,
    recall10: ndcg10 * 1.1,
    recall20: ndcg10 * 1.5,
    coverage: 0.4,
  });
  const slot = (model: number, baselines: Readonly<Record<string, number>>) => ({
    model: ranked(model),
    baselines: Object.fromEntries(Object.entries(baselines).map(([name, value]) => [name, ranked(value)])),
    algorithm: 'ials',
    options: {},
    customers: 640,
    fellBack: null,
  });
  const part = (kind: string, name: string | null, customers: number) => ({
    kind,
    name,
    customers,
    ...(customers < 30
      ? { model: null, baseline: null, lead: null }
      : {
          model: { ndcg10: 0.214, recall10: 0.2 },
          baseline: { ndcg10: 0.198, recall10: 0.19 },
          lead: { mean: 0.016, low: -0.004, high: 0.036 },
        }),
  });
  const segments = [
    part('segment', 'plumbing and heating', 310),
    part('segment', 'electrical installation and maintenance of public buildings', 300),
    part('unknown', null, 30),
  ];
  const activity = [
    { ...part('light', null, 320), purchases: { least: 1, most: 12 } },
    { ...part('middle', null, 300), purchases: { least: 13, most: 1400 } },
    { ...part('heavy', null, 20), purchases: { least: 1401, most: 12_345 } },
  ];
  return MetricsReport.parse({
    slots: {
      reorder: {
        ...slot(0.412, { 'personal-frequency': 0.398, popularity: 0.08 }),
        customersBy: { by: 'activity', parts: activity },
      },
      discover: {
        ...slot(0.214, { popularity: 0.097, 'item-neighbours': 0.181 }),
        customersBy: { by: 'segment', parts: segments },
      },
    },
    overall: { model: ranked(0.35), baselines: { popularity: ranked(0.1) }, customers: 700 },
    window: {
      trainFrom: AT,
      validationFrom: AT,
      testFrom: AT,
      testUntil: AT,
      newCustomers: 12,
      newItemPurchases: 80,
    },
    trials: 16,
    seconds: 12,
  });
}

/** Writes documents as the functions would, past the rules. */
export function openRecords(projectId: string) {
  const db = new Firestore({ projectId });
  return {
    put: async (path: string, data: object) => void (await db.doc(path).set({ ...data })),
    close: () => db.terminate(),
  };
}
