import type { Company } from '#tests/cast';

/** A request of the mix. `weight`: how often, relative to the others. */
interface Kind {
  readonly endpoint: string;
  readonly weight: number;
  readonly method: 'GET' | 'POST' | 'PATCH';
  readonly path: (company: Company) => string;
  readonly body?: (n: number) => unknown;
}
const model = ({ tenant, model: id }: Company) => `/api/tenants/${tenant}/models/${id}`;

/** What the pages of people at work ask, and some of what they change: four reads to one write. */
export const MIX: readonly Kind[] = [
  { endpoint: 'GET tenant', weight: 8, method: 'GET', path: ({ tenant }) => `/api/tenants/${tenant}` },
  {
    endpoint: 'GET models',
    weight: 12,
    method: 'GET',
    path: ({ tenant }) => `/api/tenants/${tenant}/models?limit=20`,
  },
  { endpoint: 'GET model', weight: 12, method: 'GET', path: model },
  { endpoint: 'GET sources', weight: 10, method: 'GET', path: (c) => `${model(c)}/sources` },
  { endpoint: 'GET data sets', weight: 8, method: 'GET', path: (c) => `${model(c)}/datasets` },
  { endpoint: 'GET ETL runs', weight: 10, method: 'GET', path: (c) => `${model(c)}/etl/runs?limit=20` },
  {
    endpoint: 'GET pipeline runs',
    weight: 10,
    method: 'GET',
    path: (c) => `${model(c)}/pipelines/runs?limit=20`,
  },
  { endpoint: 'GET deployments', weight: 6, method: 'GET', path: (c) => `${model(c)}/deployments` },
  {
    endpoint: 'GET audit',
    weight: 4,
    method: 'GET',
    path: ({ tenant }) => `/api/tenants/${tenant}/audit?limit=20`,
  },
  {
    endpoint: 'PATCH model',
    weight: 8,
    method: 'PATCH',
    path: model,
    body: (n) => ({ description: `changed ${n}` }),
  },
  {
    endpoint: 'POST data set',
    weight: 6,
    method: 'POST',
    path: (c) => `${model(c)}/datasets`,
    body: (n) => ({
      name: `Lines ${n}`,
      tables: [{ alias: 'lines', destination: 'erp__lines' }],
      joins: [],
      roles: {
        customer: { table: 'lines', column: 'customer' },
        item: { table: 'lines', column: 'item' },
        time: { table: 'lines', column: 'at' },
      },
      cleaning: {},
    }),
  },
  {
    endpoint: 'POST configuration',
    weight: 6,
    method: 'POST',
    path: (c) => `${model(c)}/pipelines/configs`,
    body: (n) => ({ name: `Configuration ${n}` }),
  },
];
const TOTAL = MIX.reduce((sum, { weight }) => sum + weight, 0);

/** The `n`-th request's kind: spread evenly by weight, the same in every run. */
export function kindOf(n: number): Kind {
  // A step coprime to the total visits every place once in a round.
  let place = (n * 37) % TOTAL;
  for (const kind of MIX) {
    if (place < kind.weight) return kind;
    place -= kind.weight;
  }
  throw new RangeError('the weights do not add up');
}
