/* The tables of one source, loaded again and again in one way while everything goes wrong; and at last in peace. */
import { randomBytes } from 'node:crypto';
import { openWarehouse, type Warehouse } from '#cloud/bigquery';
import { type Database, openDatabase } from '#cloud/firestore';
import { paths } from '#core/paths';
import { datasetNames } from '#core/model';
import { toFailure } from '#core/errors';
import { readConfig } from '#runtime/config';
import { publishOutbox } from '#store/outbox';
import type { Store } from '#store/store';
import { CANCEL_PATIENCE, endFromOutside } from '../../../functions/etl/end-run.ts';
import { startExecution } from '../../../functions/etl/executions.ts';
import { startWaiting } from '../../../functions/etl/waiting.ts';
import { watchRuns } from '../../../functions/etl/watch.ts';
import { create as createModel } from '../../../functions/models/create.ts';
import { type Containers, type Fate, openContainers, type WorkerPool } from './containers.ts';
import { every } from './every.ts';
import { marksDeleted } from './guarantees.ts';
import { openRoughService } from './http-faults.ts';
import { loads, type Points, type Scene } from './loads.ts';
import { openMessages } from './messages.ts';
import type { Dice } from './random.ts';
import { openReader } from './reader.ts';
import { ACTOR, makeTables, makeTenant, silent } from './tenant.ts';
import type { Plan } from './traits.ts';
import type { World } from './world.ts';
import { writeKind } from './write-kinds.ts';

/** When somebody was killed clocks go so far ahead: what it held has run out then. */
const AHEAD_MS = 31_000;

/** What a story is about. */
export interface StoryOptions {
  readonly plan: Plan;
  readonly dice: Dice;
  readonly pool: WorkerPool;
  /** The local cloud's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Makes the world, told whose it is, where the tenant's files are, and a way to the warehouse that nothing disturbs. */
  readonly open: (tenant: string, folder: string, warehouse: Warehouse) => Promise<World>;
  readonly points: Points;
  readonly told: (fault: string) => void;
}

/** How it went. */
export interface Told {
  /** How each load ended, the last one in peace. */
  readonly ends: readonly string[];
  /** Why loads failed, in the product's words. */
  readonly failures: readonly string[];
  readonly rowsCompared: number;
  readonly looks: number;
  readonly halves: readonly string[];
  readonly wrong: readonly string[];
  /** What the processes said last, where something is wrong. */
  readonly said: readonly string[];
}

/** Lives a story through. */
export async function tell(options: StoryOptions): Promise<Told> {
  const { dice, told, pool, env, plan } = options;
  const closing: (() => unknown)[] = [];
  const said: string[] = [];
  let ahead = 0;
  try {
    const services = [
      await openRoughService(env['BIGQUERY_ENDPOINT'] ?? '', 'warehouse', dice, told),
      await openRoughService(env['STORAGE_EMULATOR_HOST'] ?? '', 'storage', dice, told),
    ];
    closing.push(...services.map((service) => service.close));
    const rough = {
      ...env,
      BIGQUERY_ENDPOINT: services[0]?.url ?? '',
      STORAGE_EMULATOR_HOST: services[1]?.url ?? '',
    };
    const config = readConfig({ ...process.env, ...rough });
    const direct = readConfig({ ...process.env, ...env });
    const db = openDatabase(config.projectId);
    closing.push(() => db.close());
    const fates: Fate[] = [];
    const scene: { containers?: Containers } = {};
    const world = {
      get containers() {
        if (scene.containers === undefined) throw new Error('not open yet');
        return { ...scene.containers };
      },
      config,
      log: silent,
      installationKeys: config.installationKeys,
    };
    const messages = openMessages(
      dice,
      {
        'etl-requested': (key) => startExecution(store, world, keyOf(key), 0),
        'etl-cancel-requested': (key) =>
          endFromOutside(store, world, keyOf(key), { event: 'cancel' }, CANCEL_PATIENCE),
        'etl-finished': (key) => startWaiting(store, keyOf(key)),
      },
      async (topic, key, error) => {
        if (topic !== 'etl-requested') return;
        await endFromOutside(
          store,
          world,
          keyOf(key),
          { event: 'fail', failure: toFailure(error) },
          { runner: 0, container: 11 },
        );
      },
      told,
    );
    closing.push(messages.close);
    const store: Store = {
      db,
      bus: messages.bus,
      clock: () => Date.now() + ahead,
      random: (n) => randomBytes(n),
    };
    const tenant = await makeTenant(store, config);
    const model = (
      await createModel(store, config.endpoints, tenant, ACTOR, {
        name: 'Model',
        description: '',
        requireApproval: false,
        publishTogether: plan.traits.includes('together'),
      })
    ).id;
    const place = { tenant: tenant.id, model };
    const warehouse = openWarehouse({ ...tenant.cloud, endpoints: direct.endpoints });
    const uploads = `gs://${config.bucket}/${tenant.id}/${model}/uploads/`;
    const source = await options.open(tenant.id, uploads, warehouse);
    closing.push(source.close);
    const containers = openContainers({
      pool,
      env: rough,
      unitBytes: source.unitBytes,
      tasks: () => dice.pick([1, 1, 2, 3]),
      fateOf: () => fates.shift() ?? { point: 0, afterMs: 0 },
      ahead: () => ahead,
      killed(where) {
        told(`killed ${writeKind(where)}`);
        ahead += AHEAD_MS;
        containers.tellAhead(ahead);
      },
      ended: (writes) => (options.points.most = Math.max(options.points.most, writes)),
      said(text) {
        said.push(text);
        if (said.length > 400) said.shift();
      },
    });
    scene.containers = containers;
    const tables = await makeTables(store, direct, place, tenant, source, plan);
    const mine: Store = { ...store, db: onlyOf(store.db, tenant.id) };
    closing.push(
      every(1500, async () => {
        await watchRuns(mine, world, silent);
        await publishOutbox(mine, 1);
      }),
    );
    const dataset = datasetNames(tenant.cloud, tenant.id, model).raw;
    const destinations = tables.map(({ destination }) => destination);
    const reader = openReader(warehouse, dataset, destinations, marksDeleted(plan.way));
    closing.push(reader.close);
    const all: Scene = {
      plan,
      dice,
      points: options.points,
      told,
      store,
      place,
      world: source,
      containers,
      services,
      direct: warehouse,
      dataset,
      tables,
      fates,
    };
    const { ends, failures, wrong, rowsCompared } = await loads(all);
    const halves = await reader.close();
    const bad = wrong.length > 0 || halves.length > 0;
    return { ends, failures, rowsCompared, looks: reader.looks(), halves, wrong, said: bad ? said : [] };
  } finally {
    for (const close of closing.reverse()) await close();
  }
}

function keyOf({ tenant, model, run }: Readonly<Record<string, string>>) {
  return { tenant: tenant ?? '', model: model ?? '', run: run ?? '' };
}

/** The database as a watch of this tenant alone sees it. */
function onlyOf(db: Database, tenant: string): Database {
  const list: Database['list'] = async (collection, listing) => {
    const all = await db.list(collection, listing);
    if (collection !== 'watch' && collection !== paths.outbox) return all;
    return all.filter(({ data }) => JSON.stringify(data).includes(tenant));
  };
  return Object.assign(Object.create(db) as Database, { list });
}
