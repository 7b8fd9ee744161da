/** What each endpoint is sent, and every id that it can be sent: the tables of tests/integration/access/swapped-ids. */
import type { Contract } from '#core/api/contract';
import { endpointOf } from './contracts.ts';
import type { SwapIds } from './swap-scene.ts';

/** What came back. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly code: string | undefined;
  readonly items: readonly unknown[] | undefined;
  readonly lines: readonly unknown[] | undefined;
}

/** Ids that nothing has. */
export const NOBODY: SwapIds = {
  tenant: 'tnobody1234',
  model: 'mnobody1234',
  source: 'snobody1234',
  table: 'tnobody5678',
  dataset: 'dnobody1234',
  config: 'cnobody1234',
  etlRun: 'rnobody1234',
  pipelineRun: 'rnobody5678',
  version: 'vnobody1234',
  deployment: 'dnobody5678',
  schedule: 'hnobody1234',
  firing: 'fnobody1234',
  key: 'knobody1234',
  invitation: 'inobody1234',
  member: 'unobody1234',
  export: 'xnobody1234',
  import: 'inobody5678',
  test: 'nnobody1234',
  channel: 'hnobody5678',
  delivery: 'dnobody9012',
  destination: 'erp__nobody',
  upload: 'gs://nobody/uploads/unobody/orders.csv',
  exported: 'gs://nobody/exports/xnobody.jsonl.gz',
};

/** Which id a parameter of a path stands for. A parameter without a line here fails the build. */
export const PARAMETERS: Readonly<Record<string, (path: string) => keyof SwapIds | null>> = {
  tenant: () => 'tenant',
  model: () => 'model',
  source: () => 'source',
  table: () => 'table',
  dataset: () => 'dataset',
  config: () => 'config',
  run: runOf,
  version: () => 'version',
  deployment: () => 'deployment',
  schedule: () => 'schedule',
  key: () => 'key',
  invitation: () => 'invitation',
  member: () => 'member',
  export: () => 'export',
  import: () => 'import',
  test: () => 'test',
  channel: () => 'channel',
  delivery: () => 'delivery',
  // A word (champion, challenger), the same in every company.
  alias: () => null,
};

/** What a list lists, by the last part of its path: where it can be asked to go on after another's record. */
export const LISTED: Readonly<Record<string, (path: string) => keyof SwapIds>> = {
  models: () => 'model',
  sources: () => 'source',
  tables: () => 'table',
  datasets: () => 'dataset',
  configs: () => 'config',
  runs: runOf,
  logs: runOf,
  versions: () => 'version',
  deployments: () => 'deployment',
  schedules: () => 'schedule',
  firings: () => 'firing',
  keys: () => 'key',
  invitations: () => 'invitation',
  members: () => 'member',
  exports: () => 'export',
  'connection-tests': () => 'test',
  'alert-channels': () => 'channel',
  deliveries: () => 'delivery',
};

const roles = {
  customer: { table: 'lines', column: 'customer_no' },
  item: { table: 'lines', column: 'sku' },
  time: { table: 'lines', column: 'ordered_at' },
};
/** A data set of one table. */
export const dataset = (destination: string) => ({
  name: 'Lines',
  tables: [{ alias: 'lines', destination }],
  joins: [],
  roles,
  cleaning: {},
});
const daily = { kind: 'daily', at: '02:30', timeZone: 'UTC' };
/** A schedule's definition. */
export const pipeline = ({ config, dataset: of }: Pick<SwapIds, 'config' | 'dataset'>) => ({
  name: 'Nightly',
  what: { kind: 'pipeline', config, dataset: of },
  when: daily,
});
/** A source of one file. */
export const csv = (uri: string) => ({ name: 'Files', settings: { kind: 'csv', uris: [uri] } });

/** An alert channel. */
const alerts = (model: string) => ({
  name: 'Hook',
  model,
  target: { kind: 'webhook', url: 'https://hooks.example.com/x' },
});

/** What an endpoint is sent, by what `endpointOf` calls it after the model; those that take nothing are left out. */
export const INPUTS: Readonly<Record<string, (ids: SwapIds) => object>> = {
  'PATCH /api/tenants/{tenant}': () => ({}),
  'DELETE /api/tenants/{tenant}': () => ({ confirm: 'another name' }),
  'GET /api/tenants/{tenant}/usage': () => ({ month: '2026-11' }),
  'POST /api/tenants/{tenant}/imports': () => ({ bytes: 10 }),
  'POST /api/tenants/{tenant}/invitations': () => ({ email: 'somebody@test.example', role: 'viewer' }),
  'POST /api/tenants/{tenant}/keys': ({ model }) => ({ name: 'Key', scopes: ['read'], model }),
  'PATCH /api/tenants/{tenant}/keys/{key}': () => ({ name: 'Key' }),
  'POST /api/tenants/{tenant}/alert-channels': ({ model }) => alerts(model),
  'PATCH /api/tenants/{tenant}/members/{member}': () => ({ role: 'viewer' }),
  'POST /api/tenants/{tenant}/models': () => ({ name: 'Model' }),
  'POST …/connection-tests': ({ source }) => ({ source }),
  'POST …/datasets': ({ destination }) => dataset(destination),
  'PUT …/datasets/{dataset}': ({ destination }) => dataset(destination),
  'GET …/datasets/compare': (ids) => ({ left: ids.dataset, right: ids.dataset }),
  'POST …/datasets/{dataset}/clone': () => ({ name: 'Copy' }),
  'POST …/deployments': ({ version }) => ({ version }),
  'PUT …/deployments/traffic': ({ deployment }) => ({ split: [{ deployment, percent: 100 }] }),
  'PATCH …/deployments/{deployment}': () => ({ warmUp: 1 }),
  'GET …/etl/history': ({ source }) => ({ source }),
  'POST …/etl/runs': () => ({ overlap: 'refuse' }),
  'POST …/pipelines/configs': () => ({ name: 'Quick' }),
  'GET …/pipelines/configs/compare': (ids) => ({ left: ids.config, right: ids.config }),
  'POST …/pipelines/configs/{config}/clone': () => ({ name: 'Copy' }),
  'GET …/pipelines/compare': (ids) => ({ runs: `${ids.pipelineRun},${ids.pipelineRun}` }),
  'POST …/pipelines/preflight': ({ config, dataset: of }) => ({ config, dataset: of }),
  'POST …/pipelines/runs': ({ config, dataset: of }) => ({ config, dataset: of, overlap: 'refuse' }),
  'POST …/schedules': pipeline,
  'POST …/schedules/preview': () => ({ when: daily }),
  'POST …/sources': ({ upload }) => csv(upload),
  'PUT …/sources/{source}/credentials': () => ({ password: 'x' }),
  'POST …/sources/{source}/tables/{table}/drift/decision': () => ({ proposal: 'x', decision: 'keep' }),
  'POST …/uploads': () => ({ fileName: 'x.csv', bytes: 1 }),
  'PUT …/versions/aliases/{alias}': ({ version }) => ({ version }),
  'GET …/versions/compare': (ids) => ({ left: ids.version, right: ids.version }),
};
const MODEL = '/api/tenants/{tenant}/models/{model}/';
/** How the tables here name an endpoint. */
export const short = (contract: Contract) => endpointOf(contract).replace(MODEL, '…/');

/** Told as what does not exist. */
export const notThere = ({ status, code }: Answer) => status === 404 && code === 'not-found';
/** A list of nothing. */
export const empty = ({ status, items, lines }: Answer) => status === 200 && (items ?? lines)?.length === 0;
const refused =
  (...codes: string[]) =>
  ({ code }: Answer) =>
    codes.includes(code ?? '');
/** Of checks, one that did not pass. */
export const failsPreflight = ({ status, text }: Answer) => status === 200 && text.includes('"ok":false');
/** One id of an endpoint's input. */
export type Case = readonly [
  endpoint: string,
  what: string,
  input: (swapped: SwapIds) => object,
  means?: (answer: Answer) => boolean,
];
/**
 * Every id that a body or a query names, one at a time; `ids` are the caller's own.
 * `means`: what it comes to where that id is another's; without it, 404.
 */
export const casesOf = (ids: SwapIds): readonly Case[] => [
  ['POST /api/tenants/{tenant}/keys', 'model', ({ model }) => ({ name: 'K', scopes: ['read'], model })],
  ['POST /api/tenants/{tenant}/alert-channels', 'model', ({ model }) => alerts(model)],
  ['GET /api/tenants/{tenant}/alert-channels', 'model', ({ model }) => ({ model }), empty],
  ['GET /api/tenants/{tenant}/keys', 'model', ({ model }) => ({ model }), empty],
  ['POST …/connection-tests', 'source', ({ source }) => ({ source })],
  ['GET …/connection-tests', 'source', ({ source }) => ({ source }), empty],
  ['GET …/datasets/compare', 'left', (x) => ({ left: x.dataset, right: ids.dataset })],
  ['GET …/datasets/compare', 'right', (x) => ({ left: ids.dataset, right: x.dataset })],
  ['POST …/deployments', 'version', ({ version }) => ({ version })],
  ['GET …/deployments', 'version', ({ version }) => ({ version }), empty],
  [
    'PUT …/deployments/traffic',
    'deployment',
    (x) => ({ split: [{ deployment: x.deployment, percent: 100 }] }),
    refused('not-answering'),
  ],
  [
    'PUT …/deployments/traffic',
    'second deployment',
    (x) => ({
      split: [
        { deployment: ids.deployment, percent: x === ids ? 100 : 50 },
        ...(x === ids ? [] : [{ deployment: x.deployment, percent: 50 }]),
      ],
    }),
    refused('not-answering'),
  ],
  ['POST …/deployments/{deployment}/rollback', 'to', ({ deployment }) => ({ to: deployment })],
  ['GET …/etl/history', 'source', ({ source }) => ({ source })],
  ['GET …/etl/history', 'table', ({ table }) => ({ source: ids.source, table }), empty],
  [
    'POST …/etl/runs',
    'tables',
    ({ table }) => ({ tables: [table], overlap: 'refuse' }),
    refused('unknown-table'),
  ],
  [
    'POST …/etl/runs',
    'sources',
    ({ source }) => ({ sources: [source], overlap: 'refuse' }),
    refused('unknown-source'),
  ],
  ['POST …/etl/dry-run', 'tables', ({ table }) => ({ tables: [table] }), refused('unknown-table')],
  ['POST …/etl/dry-run', 'sources', ({ source }) => ({ sources: [source] }), refused('unknown-source')],
  [
    'POST …/etl/preflight',
    'tables',
    ({ table }) => ({ tables: [table] }),
    (answer) => refused('unknown-table')(answer) || failsPreflight(answer),
  ],
  [
    'POST …/etl/preflight',
    'sources',
    ({ source }) => ({ sources: [source] }),
    (answer) => refused('unknown-source')(answer) || failsPreflight(answer),
  ],
  ['GET …/pipelines/configs/compare', 'left', (x) => ({ left: x.config, right: ids.config })],
  ['GET …/pipelines/configs/compare', 'right', (x) => ({ left: ids.config, right: x.config })],
  ['GET …/pipelines/compare', 'runs', (x) => ({ runs: `${ids.pipelineRun},${x.pipelineRun}` })],
  ['GET …/pipelines/runs', 'config', ({ config }) => ({ config }), empty],
  ['GET …/pipelines/runs', 'dataset', (x) => ({ dataset: x.dataset }), empty],
  ['POST …/pipelines/runs', 'config', ({ config }) => ({ config, dataset: ids.dataset, overlap: 'refuse' })],
  [
    'POST …/pipelines/runs',
    'dataset',
    (x) => ({ config: ids.config, dataset: x.dataset, overlap: 'refuse' }),
  ],
  [
    'POST …/pipelines/preflight',
    'config',
    ({ config }) => ({ config, dataset: ids.dataset }),
    failsPreflight,
  ],
  [
    'POST …/pipelines/preflight',
    'dataset',
    (x) => ({ config: ids.config, dataset: x.dataset }),
    failsPreflight,
  ],
  ['POST …/schedules', 'config', ({ config }) => pipeline({ ...ids, config })],
  ['POST …/schedules', 'dataset', (x) => pipeline({ ...ids, dataset: x.dataset })],
  ['PATCH …/schedules/{schedule}', 'config', ({ config }) => ({ what: pipeline({ ...ids, config }).what })],
  [
    'PATCH …/schedules/{schedule}',
    'dataset',
    (x) => ({ what: pipeline({ ...ids, dataset: x.dataset }).what }),
  ],
  ['GET …/versions', 'run', (x) => ({ run: x.pipelineRun }), empty],
  ['GET …/versions/compare', 'left', (x) => ({ left: x.version, right: ids.version })],
  ['GET …/versions/compare', 'right', (x) => ({ left: ids.version, right: x.version })],
  ['PUT …/versions/aliases/{alias}', 'version', ({ version }) => ({ version })],
];

function runOf(path: string): keyof SwapIds {
  return path.includes('/etl/') ? 'etlRun' : 'pipelineRun';
}
