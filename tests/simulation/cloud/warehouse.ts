/* BigQuery as functions/cloud/bigquery.ts offers it, as far as runs use it: jobs by id, the same id the same job. */
import type { JobOutcome, Row, TableRef, Warehouse } from '#cloud/bigquery';
import type { Kernel } from '../kernel.ts';
import type { SimulatedFiles } from './files.ts';

export type WarehouseClient = Pick<
  Warehouse,
  | 'describe'
  | 'expireTable'
  | 'startQuery'
  | 'startExport'
  | 'startLoad'
  | 'jobOutcome'
  | 'waitFor'
  | 'cancelJob'
  | 'query'
  | 'dryRun'
  | 'deleteTable'
>;

interface Job {
  readonly startedAt: number;
  readonly endsAt: number;
  /** The (run, table) whose rows it publishes, if any. */
  readonly publishes: string | null;
  readonly reason: string;
  cancelled: boolean;
}

export interface SimulatedWarehouse {
  readonly client: WarehouseClient;
  /** How often each `run/table` is published now: more than once doubles its rows. */
  published(): ReadonlyMap<string, number>;
}

/** Rows that every table has. */
export const ROWS = 100;

const FIELDS = [
  { name: 'customer', type: 'STRING' },
  { name: 'item', type: 'STRING' },
  { name: 'placed', type: 'TIMESTAMP' },
  { name: 'quantity', type: 'INT64' },
] as const;

/** The warehouse of every place. */
export function makeWarehouse(kernel: Kernel, files: SimulatedFiles): SimulatedWarehouse {
  const { scheduler, random } = kernel;
  const jobs = new Map<string, Job>();
  // In some worlds hardly any job goes through.
  const failing = random.chance(0.08) ? 0.9 : 0.03;
  const { TransientError } = kernel.errors;
  const fail = () => new TransientError('warehouse-unavailable', 'BigQuery did not answer.');
  const call = <T>(what: string, reads: boolean, effect: () => T) =>
    kernel.processes.call(what, effect, { fail, reads });
  const start = (id: string, publishes: string | null = null, made: () => void = () => undefined) =>
    call(`start ${id}`, false, () => {
      if (jobs.has(id)) return;
      // The script's ASSERT that no ledger row exists. It sees what was committed when it began: two at once both pass.
      const twice = publishes !== null && (ledger().get(publishes) ?? 0) > 0;
      const reasons =
        failing > 0.5 ? (['backendError'] as const) : (['backendError', 'invalidQuery'] as const);
      const bad = random.chance(failing) ? random.pick(reasons) : '';
      jobs.set(id, {
        startedAt: scheduler.now(),
        endsAt: scheduler.now() + random.between(100, 8000),
        publishes,
        reason: twice ? 'invalidQuery' : bad,
        cancelled: false,
      });
      made();
    });
  const ledger = () => {
    const rows = new Map<string, number>();
    for (const { publishes, endsAt, reason, cancelled } of jobs.values())
      if (publishes !== null && endsAt <= scheduler.now() && reason === '' && !cancelled)
        rows.set(publishes, (rows.get(publishes) ?? 0) + 1);
    return rows;
  };
  const outcome = (id: string): JobOutcome => {
    const job = jobs.get(id);
    const say = (state: JobOutcome['state'], reason = ''): JobOutcome => ({
      state,
      reason,
      message: reason,
      outputRows: ROWS,
    });
    if (job === undefined) return say('unknown');
    if (job.cancelled) return say('failed', 'stopped');
    if (job.endsAt > scheduler.now()) return say('running');
    return job.reason === '' ? say('succeeded') : say('failed', job.reason);
  };
  const client: WarehouseClient = {
    describe: (ref: TableRef) =>
      call(`describe ${ref.table}`, true, () => ({ fields: [...FIELDS], rows: ROWS, bytes: 1 })),
    expireTable: (ref) => call(`expire ${ref.table}`, false, () => undefined),
    deleteTable: (ref) => call(`delete ${ref.table}`, false, () => undefined),
    startQuery: (id, sql, { params } = {}) =>
      start(id, sql === 'publish' ? `${String(params?.['run'])}/${String(params?.['table'])}` : null),
    startExport: (id, _, uri) => start(id, null, () => files.put(uri.replace('*', '0'), 'parquet')),
    startLoad: (id) => start(id),
    jobOutcome: (id) => call(`job ${id}`, true, () => outcome(id)),
    async waitFor(id, seconds, signal) {
      const until = scheduler.now() + seconds * 1000;
      for (;;) {
        const now = await client.jobOutcome(id);
        const left = until - scheduler.now();
        if (now.state !== 'running' || left < 50 || signal?.aborted === true) return now;
        const wait = Math.min(Math.max(200, (jobs.get(id)?.endsAt ?? 0) - scheduler.now()), 5000, left);
        await new Promise<void>((resolve) => kernel.processes.later(wait, resolve));
      }
    },
    cancelJob: (id) =>
      call(`cancel ${id}`, false, () => {
        const job = jobs.get(id);
        if (job !== undefined && job.endsAt > scheduler.now()) job.cancelled = true;
      }),
    // The two small answers that runs ask for: what was published, and how many lines an extraction kept.
    query: (sql, params): Promise<Row[]> =>
      call(`query ${sql.slice(0, 20)}`, true, () => {
        if (params === undefined) return [{ drop_reason: null, n: ROWS, mixed: '1', summed: '2' }];
        const key = `${String(params['run'])}/${String(params['table'])}`;
        return ledger().has(key) ? [{ n: 1, published: ROWS }] : [{ n: 0 }];
      }),
    dryRun: () => call('dry run', true, () => 1),
  };
  return { client, published: ledger };
}
