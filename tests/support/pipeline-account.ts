/** A person whose model has order lines in the warehouse, ready for the pipeline: no source, no ETL. */
import { readdirSync, readFileSync } from 'node:fs';
import { PubSub } from '@google-cloud/pubsub';
import { createDataset } from '#core/api/datasets';
import { createPipelineConfig, getPipelineRun, startPipeline } from '#core/api/pipelines';
import { Cleaning, type Dataset, type DatasetDefinition } from '#core/dataset';
import type { Payload, Topic } from '#core/events';
import type { PipelineRun } from '#core/pipeline-run';
import { type Account, openAccount } from './account.ts';
import { eventually } from './eventually.ts';
import { useLocalCloud } from './local-cloud.ts';
import { warehouseRows } from './raw-tables.ts';

/** Publishes a message as the functions do, to be sent as often and as early as a test likes. */
export async function publish<T extends Topic>(topic: T, payload: Payload<T>): Promise<void> {
  const pubsub = new PubSub({ projectId: useLocalCloud().projectId });
  await pubsub.topic(topic).publishMessage({ json: payload });
  await pubsub.close();
}

/** A function that hastens the watchdog: its minute, as often as it is called but at most every second. */
export function makeTicker(): () => Promise<void> {
  let last = 0;
  return async () => {
    if (Date.now() - last < 1000) return;
    last = Date.now();
    await publish('tick', {});
  };
}

/** Ids of the processes that were started with `variable`=`value`. */
export function processesWith(variable: string, value: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`${variable}=${value}`);
      } catch {
        // It has ended between the listing and the reading.
        return false;
      }
    })
    .map(Number);
}

export interface PipelineAccount extends Account {
  readonly dataset: Dataset;
  /** Starts a run with the quick preset and these settings on top. */
  start(settings?: object): Promise<PipelineRun>;
  look(run: string): Promise<PipelineRun>;
  ended(run: string, seconds?: number): Promise<PipelineRun>;
}

export const DEFINITION: DatasetDefinition = {
  name: 'Orders',
  tables: [{ alias: 'lines', destination: 'orders' }],
  joins: [],
  roles: {
    customer: { table: 'lines', column: 'customer' },
    item: { table: 'lines', column: 'item' },
    time: { table: 'lines', column: 'placed' },
    quantity: { table: 'lines', column: 'quantity' },
    order: { table: 'lines', column: 'order_no' },
    itemName: { table: 'lines', column: 'item_name' },
    itemBrand: { table: 'lines', column: 'brand' },
    customerSegment: { table: 'lines', column: 'trade' },
  },
  cleaning: Cleaning.parse({}),
};

/**
 * 60 customers in 4 trades, each trade with `products` products of its own, `lines` order lines two hours apart: who knows the
 * trade can guess what comes next, who counts popularity cannot.
 */
export async function openPipelineAccount(lines = 3600, products = 30): Promise<PipelineAccount> {
  const account = await openAccount();
  const product = `CAST(MOD(n, 4) * ${products} + MOD(ABS(FARM_FINGERPRINT(CAST(n AS STRING))), ${products}) AS STRING)`;
  await warehouseRows(`
    CREATE TABLE ${account.raw}.orders AS
    SELECT
      MOD(n, 60) + 17000 AS customer,
      CONCAT('P', ${product}) AS item,
      CONCAT('Product ', ${product}) AS item_name,
      CONCAT('Brand ', ${product}) AS brand,
      CONCAT('Trade ', CAST(MOD(n, 4) AS STRING)) AS trade,
      TIMESTAMP_SECONDS(1735689600 + n * 7200) AS placed,
      IF(MOD(n, 100) = 99, -1, 1 + MOD(n, 5)) AS quantity,
      n AS order_no
    FROM UNNEST(GENERATE_ARRAY(0, ${lines - 1})) AS n`);
  const { call, params } = account;
  const dataset = await call(createDataset, { params, body: DEFINITION });
  const look: PipelineAccount['look'] = (run) => call(getPipelineRun, { params: { ...params, run } });
  return {
    ...account,
    dataset,
    look,
    async start(settings = {}) {
      const body = {
        name: 'Quick',
        training: { preset: 'quick' as const, trials: 2, seconds: 2 },
        // A canary's steps last minutes; its own tests have them.
        deployment: { canary: { steps: [] } },
        ...settings,
      };
      const config = await call(createPipelineConfig, { params, body });
      return call(startPipeline, { params, body: { config: config.id, dataset: dataset.id } });
    },
    ended: (run, seconds = 120) =>
      eventually(
        `the end of run ${run}`,
        async () => {
          const found = await look(run);
          return found.finishedAt === null ? null : found;
        },
        seconds,
      ),
  };
}
