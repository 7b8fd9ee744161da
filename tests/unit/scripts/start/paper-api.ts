import { createServer, type Server } from 'node:http';

const NOW = '2026-01-01T00:00:00.000Z';
/** What every model measures here. */
export const figures = { ndcg10: 0.2, recall10: 0.3, recall20: 0.4, coverage: 0.5 };
const slot = {
  model: figures,
  baselines: { popularity: { ...figures, ndcg10: 0.1 } },
  algorithm: 'ials',
  options: {},
  customers: 9,
  fellBack: null,
};
const column = (name: string, type: string) => ({ name, type, nullable: true, sourceType: 'csv' });

/** The API on paper: the least that each address may answer. Every run takes two looks to finish. */
export class PaperApi {
  readonly asked: string[] = [];
  uploaded = '';
  etlStatus = 'succeeded';
  gatePassed = true;
  readonly #looks = new Map<string, number>();
  readonly #made = new Map<string, object>();
  #origin = '';
  readonly server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const url = new URL(request.url ?? '/', this.#origin);
      this.asked.push(`${request.method} ${url.pathname}`);
      const answer = this.#answer(`${request.method} ${url.pathname}`, Buffer.concat(chunks));
      response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(answer ?? {}));
    });
  });

  async open(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    const address = this.server.address();
    this.#origin = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
    return this.#origin;
  }

  #keep(name: string, value: object): object {
    this.#made.set(name, value);
    return value;
  }
  #kept(name: string): { items: object[]; next: null } {
    const value = this.#made.get(name);
    return { items: value === undefined ? [] : [value], next: null };
  }
  /** The source that was made. */
  get source(): object | undefined {
    return this.#made.get('source');
  }
  #second(name: string): boolean {
    const looks = (this.#looks.get(name) ?? 0) + 1;
    this.#looks.set(name, looks);
    return looks > 1;
  }

  // oxlint-disable-next-line complexity -- one address after another
  #answer(what: string, body: Buffer): unknown {
    const json = (): Record<string, unknown> => JSON.parse(body.toString() || '{}');
    const model = '/api/tenants/tenant1/models/model1';
    const made = { createdAt: NOW };
    const table = {
      id: 'table1',
      source: 'source1',
      name: 'orders.csv',
      key: null,
      estimatedRows: null,
      enabled: false,
      mode: 'replace',
      cursor: null,
      destination: 'orders_csv',
      rejectLimit: 0,
      discoveredAt: NOW,
      columns: [
        column('Kunde', 'STRING'),
        column('StockCode', 'STRING'),
        column('InvoiceDate', 'TIMESTAMP'),
        column('Quantity', 'INT64'),
      ],
    };
    switch (what) {
      case 'GET /__/firebase/init.json':
        return { apiKey: 'k', emulators: { auth: this.#origin.slice('http://'.length) } };
      case 'POST /identitytoolkit.googleapis.com/v1/accounts:signUp':
        return { idToken: 'token', expiresIn: '3600' };
      case 'GET /api/tenants':
        return this.#kept('tenant');
      case 'POST /api/tenants':
        return this.#keep('tenant', {
          id: 'tenant1',
          plan: 'trial',
          status: 'active',
          role: 'owner',
          ...json(),
          ...made,
        });
      case 'GET /api/tenants/tenant1/models':
        return this.#kept('model');
      case 'POST /api/tenants/tenant1/models':
        return this.#keep('model', {
          id: 'model1',
          description: '',
          status: 'draft',
          liveDeployment: null,
          ...json(),
          ...made,
        });
      case `POST ${model}/uploads`:
        return { uri: 'gs://bucket/orders.csv', method: 'PUT', url: `${this.#origin}/storage`, headers: {} };
      case 'PUT /storage':
        this.uploaded = body.toString();
        return {};
      case `GET ${model}/sources`:
        return this.#kept('source');
      case `POST ${model}/sources`:
        return this.#keep('source', {
          id: 'source1',
          credentialsSetAt: null,
          enabled: true,
          ...json(),
          ...made,
        });
      case `POST ${model}/connection-tests`:
        return {
          id: 'test1',
          source: 'source1',
          status: 'queued',
          steps: [],
          failure: null,
          createdAt: NOW,
          finishedAt: null,
        };
      case `GET ${model}/connection-tests/test1`: {
        const status = this.#second('test') ? 'passed' : 'running';
        return {
          id: 'test1',
          source: 'source1',
          status,
          steps: [],
          failure: null,
          createdAt: NOW,
          finishedAt: null,
        };
      }
      case `POST ${model}/sources/source1/discover`:
      case `GET ${model}/sources/source1/tables`:
        return { items: [table], next: null };
      case `PATCH ${model}/sources/source1/tables/table1`:
        return { ...table, ...json() };
      case `POST ${model}/etl/runs`:
      case `GET ${model}/etl/runs/etlrun1`: {
        const status = what.startsWith('GET') && this.#second('etl') ? this.etlStatus : 'extracting';
        const failure =
          status === 'failed'
            ? { code: 'bad-line', message: 'line 7 has 3 fields', remedy: 'mend line 7' }
            : null;
        const counts = { rows: 5, bytes: 100, rejected: {} };
        const run = {
          id: 'etlrun1',
          status,
          counts,
          failure,
          attempts: 1,
          executor: null,
          ...made,
          startedAt: NOW,
          finishedAt: null,
        };
        return { ...run, requestedBy: 'me', tables: 1, perTable: [], created: true, moreTables: false };
      }
      case `GET ${model}/etl/runs/etlrun1/logs`:
        return {
          lines: [{ at: NOW, severity: 'ERROR', message: 'cannot read on', source: 'etl-runner' }],
          next: null,
          more: false,
        };
      case `GET ${model}/datasets`:
        return this.#kept('dataset');
      case `POST ${model}/datasets`:
      case `PUT ${model}/datasets/dataset1`:
        return this.#keep('dataset', { id: 'dataset1', ...json(), ...made, updatedAt: NOW });
      case `GET ${model}/pipelines/configs`:
        return this.#kept('config');
      case `POST ${model}/pipelines/configs`:
        return this.#keep('config', { id: 'config1', extraction: {}, deployment: {}, ...json(), ...made });
      case `POST ${model}/pipelines/runs`:
      case `GET ${model}/pipelines/runs/prun1`:
        return this.#pipelineRun(what.startsWith('GET') && this.#second('pipeline'), made);
      case `GET ${model}/pipelines/runs/prun1/logs`:
        return { lines: [] };
      case `GET ${model}/versions/version1`: {
        const gate = { passed: false, reasons: ['Discovery 0.10 does not beat popularity 0.12.'] };
        return {
          id: 'version1',
          number: 1,
          run: 'prun1',
          status: 'candidate',
          artifact: 'gs://b/a',
          sha256: '',
          bytes: 1,
          metrics: this.#metrics(),
          gate,
          ...made,
        };
      }
      case `GET ${model}/deployments/deploy1`:
        return {
          id: 'deploy1',
          version: 'version1',
          run: 'prun1',
          status: 'live',
          settings: {},
          requestedBy: 'me',
          attempts: 1,
          service: 's',
          revision: 'r',
          url: `${this.#origin}/service`,
          compared: 3,
          failure: null,
          createdAt: NOW,
          liveAt: NOW,
          finishedAt: NOW,
        };
      case 'POST /service/v1/customers':
        return {
          items: [
            { id: 'C1', name: 'One', items: 9 },
            { id: 'C2', name: null, items: 5 },
            { id: 'C3', name: null, items: 1 },
          ],
        };
      case 'POST /service/v1/history':
        return {
          customer: { id: json()['customer'], name: 'One' },
          items: [{ id: 'A1', name: 'Bolt', orders: 3, quantity: 30, lastBought: NOW }],
        };
      case 'POST /service/v1/recommend': {
        const item = {
          id: 'A2',
          name: 'Nut',
          score: 0.5,
          slot: json()['slot'],
          reason: 'Because you bought Bolt (3 times)',
        };
        return { recommendationId: 'r1', version: 'version1', known: true, items: [item] };
      }
      default:
        return undefined;
    }
  }

  #metrics() {
    return {
      slots: { discover: slot, reorder: { ...slot, algorithm: 'purchase-rhythm' } },
      trials: 4,
      seconds: 1,
      overall: { model: figures, baselines: {}, customers: 9 },
      window: {
        trainFrom: NOW,
        validationFrom: NOW,
        testFrom: NOW,
        testUntil: NOW,
        newCustomers: 0,
        newItemPurchases: 0,
      },
    };
  }

  #pipelineRun(over: boolean, made: object) {
    const stage = {
      status: over ? 'succeeded' : 'running',
      startedAt: NOW,
      finishedAt: null,
      executor: null,
      attempts: 1,
      failure: null,
    };
    return {
      id: 'prun1',
      config: 'config1',
      dataset: 'dataset1',
      settings: { name: 'Quick' },
      requestedBy: 'me',
      asOf: NOW,
      failure: null,
      finishedAt: null,
      ...made,
      status: !over ? 'running' : this.gatePassed ? 'succeeded' : 'rejected',
      stages: {
        extraction: stage,
        vocabulary: stage,
        training: stage,
        deployment: over && !this.gatePassed ? { ...stage, status: 'skipped' } : stage,
      },
      extraction: { lines: 5, kept: 3, dropped: { return: 2 }, contentHash: 'h' },
      vocabulary: { customers: 2, items: 2, interactions: 3 },
      metrics: this.#metrics(),
      version: 'version1',
      deployment: over && this.gatePassed ? 'deploy1' : null,
    };
  }
}
