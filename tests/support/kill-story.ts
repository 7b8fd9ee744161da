/* One tenant's story on the stack that kills: a load, then a training that goes live; and what must be true afterwards. */
import { createHash, randomBytes } from 'node:crypto';
import { openBus } from '#cloud/pubsub';
import { openDatabase } from '#cloud/firestore';
import { openFiles } from '#cloud/storage';
import { Cleaning } from '#core/dataset';
import { Deployment } from '#core/deployment';
import type { Failure } from '#core/errors';
import { EtlRun } from '#core/etl-run';
import { paths } from '#core/paths';
import { PipelineConfigDefinition } from '#core/pipeline-config';
import { PipelineRun } from '#core/pipeline-run';
import { Tenant } from '#core/tenant';
import { readConfig } from '#runtime/config';
import { mustRead } from '#store/document';
import type { Store } from '#store/store';
import { create as createDataset } from '../../functions/datasets/definitions.ts';
import { startRun as startEtl } from '../../functions/etl/start.ts';
import { create as createModel } from '../../functions/models/create.ts';
import { createConfig } from '../../functions/pipelines/configs.ts';
import { startRun as startPipeline } from '../../functions/pipelines/start.ts';
import { discover } from '../../functions/sources/discover.ts';
import { addSource } from '../../functions/sources/sources.ts';
import { changeTable } from '../../functions/sources/tables.ts';
import { signUp } from '../../functions/tenants/tenants.ts';
import type { KillStack } from './kill-stack.ts';

const ACTOR = 'person';
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Where the next process of everybody is to be killed: one point after the other, from story to story. */
export interface Points {
  /** For a function's process; 0 once its message has been killed as often as may be. */
  readonly ofFunction: (name: string, message: string) => number;
  /** For a container's processes, in their order. */
  readonly ofContainer: (name: string, times: number) => number[];
  readonly ended: (name: string, survived: boolean) => void;
}

/** A message may lose so many processes and still be handled: below MAX_ATTEMPTS. */
const KILLS_PER_MESSAGE = 3;

/** Points that walk through every write of every function and container. */
export function walkPoints(): Points {
  const next = new Map<string, number>();
  const killed = new Map<string, number>();
  const take = (name: string): number => {
    const point = next.get(name) ?? 1;
    next.set(name, point + 1);
    return point;
  };
  return {
    ofFunction(name, message) {
      const times = killed.get(`${name} ${message}`) ?? 0;
      killed.set(`${name} ${message}`, times + 1);
      return times < KILLS_PER_MESSAGE ? take(name) : 0;
    },
    ofContainer: (name, times) => Array.from({ length: times }, () => take(name)),
    ended(name, survived) {
      // It makes fewer writes than that: from the beginning again.
      if (survived && (next.get(name) ?? 0) > 12) next.set(name, 1);
    },
  };
}

/** How a story ended. `wrong`: what should not be so; none where all is well. */
export interface Told {
  readonly etl: string;
  readonly pipeline: string;
  /** Why the load or the run failed; null where neither did. */
  readonly failure: Failure | null;
  readonly wrong: readonly string[];
}

/** The tenant, its source and its data set, made without anybody being killed. */
async function setUp(store: Store, config: ReturnType<typeof readConfig>) {
  const caller = { uid: `u${randomBytes(6).toString('hex')}`, email: null };
  const { id } = await signUp(store, config, caller, 'Kills');
  const tenant = (await mustRead(store, paths.tenant(id), Tenant, 'tenant')).value;
  const wanted = { name: 'Model', description: '', requireApproval: false, publishTogether: false };
  const model = (await createModel(store, config.endpoints, tenant, ACTOR, wanted)).id;
  const uri = `gs://${config.bucket}/${id}/${model}/uploads/orders.csv`;
  await openFiles(config.projectId).save(uri, orders(), 'text/csv');
  const settings = { kind: 'csv' as const, uris: [uri], encoding: 'utf-8' as const };
  const source = await addSource(store, config, tenant, model, ACTOR, { name: 'Shop', settings });
  const key = { tenant: id, model, source: source.id };
  const [table] = await discover(store, config, silent, key, ACTOR);
  if (table === undefined) throw new Error('no table was discovered');
  await changeTable(store, { ...key, table: table.id }, ACTOR, { enabled: true });
  return { tenant, model, destination: table.destination };
}

/** 60 customers in 4 trades, each trade with products of its own: who knows the trade knows what is bought next. */
function orders(): string {
  const lines = Array.from({ length: 3600 }, (_, n) => {
    const at = new Date(1_735_689_600_000 + n * 7_200_000).toISOString();
    const mixed = createHash('sha256').update(String(n)).digest().readUInt16LE();
    return `${17_000 + (n % 60)},P${(n % 4) * 30 + (mixed % 30)},${at},${1 + (n % 5)}`;
  });
  return ['customer,item,placed,quantity', ...lines].join('\n');
}

/** Lives a story through; nothing is left to do when it returns. */
export async function tell(stack: KillStack, points: Points): Promise<Told> {
  const config = readConfig(process.env);
  const store: Store = {
    db: openDatabase(config.projectId),
    bus: openBus(config.projectId),
    clock: () => stack.clock(),
    random: (n) => randomBytes(n),
  };
  try {
    const { tenant, model, destination } = await setUp(store, config);
    const place = { tenant: tenant.id, model };
    const wrong: string[] = [];
    stack.planContainer(tenant.id, 'etl-runner', points.ofContainer('etl-runner', 5));
    stack.planContainer(tenant.id, 'pipelines-trainer', points.ofContainer('pipelines-trainer', 2));
    const start = { actor: ACTOR, trigger: 'person', overlap: 'join' } as const;
    const etl = await startEtl(store, place, start);
    await untilQuiet(stack, store, tenant.id, points);
    const load = (await mustRead(store, paths.etlRun(tenant.id, model, etl.id), EtlRun, 'run')).value;
    if (load.finishedAt === null) wrong.push(`the load ${load.id} is ${load.status}`);
    if (load.status !== 'succeeded')
      return { etl: load.status, pipeline: 'none', failure: load.failure, wrong };

    const column = (name: string) => ({ table: 'lines', column: name });
    const dataset = await createDataset({ store, config }, tenant, model, ACTOR, {
      name: 'Orders',
      tables: [{ alias: 'lines', destination }],
      joins: [],
      roles: {
        customer: column('customer'),
        item: column('item'),
        time: column('placed'),
        quantity: column('quantity'),
      },
      cleaning: Cleaning.parse({ dropServiceCodes: false }),
    });
    const settings = await createConfig(
      store,
      place,
      ACTOR,
      PipelineConfigDefinition.parse({
        name: 'Quick',
        training: { preset: 'quick', trials: 2, seconds: 2 },
        deployment: { smokeCustomers: 2, warmUp: 0, minInstances: 0, canary: { steps: [] } },
      }),
    );
    const wanted = { tenant, model, config: settings.id, dataset: dataset.id };
    const { id } = await startPipeline(store, config, { ...wanted, ...start, mayDeploy: true });
    await untilQuiet(stack, store, tenant.id, points);
    const path = paths.pipelineRun(tenant.id, model, id);
    const run = (await mustRead(store, path, PipelineRun, 'run')).value;
    if (run.finishedAt === null) wrong.push(`the pipeline run ${id} is ${run.status}`);
    wrong.push(...(await deploymentsOf(store, place)));
    return { etl: load.status, pipeline: run.status, failure: run.failure, wrong };
  } finally {
    await store.db.close();
    await store.bus.close();
  }
}

async function deploymentsOf(
  store: Store,
  { tenant, model }: { tenant: string; model: string },
): Promise<string[]> {
  const all = (await store.db.list(paths.deployments(tenant, model))).map(({ data }) =>
    Deployment.parse(data),
  );
  const live = all.filter(({ status }) => status === 'live').map(({ id }) => id);
  const record = (await store.db.get(paths.model(tenant, model)))?.data['liveDeployment'] ?? null;
  return live.length <= 1 && (live[0] ?? null) === record
    ? []
    : [`live are ${live.join(', ')}; the record names ${JSON.stringify(record)}`];
}

/** Delivers and ticks until nothing of the tenant is left to be done. @throws Error when that takes too long */
async function untilQuiet(stack: KillStack, store: Store, tenant: string, points: Points): Promise<void> {
  const until = Date.now() + 240_000;
  let ticked = Date.now();
  while (Date.now() < until) {
    const delivered = await stack.deliver(points.ofFunction, points.ended);
    if (delivered > 0) continue;
    const watched = (await store.db.list('watch')).filter(({ data }) => data['tenant'] === tenant);
    const unsent = (await store.db.list('outbox')).filter(({ data }) =>
      JSON.stringify(data).includes(tenant),
    );
    if (watched.length === 0 && unsent.length === 0) return;
    if (Date.now() - ticked > 3000) {
      await stack.publish('tick', {});
      ticked = Date.now();
    } else await new Promise((resolve) => setTimeout(resolve, 300));
  }
  throw new Error(`something of ${tenant} is never done`);
}
