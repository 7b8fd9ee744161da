/* One table of one source, loaded again and again in one way while everything goes wrong; and at last in peace. */
import { randomBytes } from 'node:crypto';
import { openWarehouse, type Warehouse } from '#cloud/bigquery';
import { type Database, openDatabase } from '#cloud/firestore';
import { EtlRun, etlCycle } from '#core/etl-run';
import { isFinal } from '#core/life-cycle';
import { paths } from '#core/paths';
import { datasetNames } from '#core/model';
import { toFailure } from '#core/errors';
import { type Config, readConfig } from '#runtime/config';
import { mustRead } from '#store/document';
import { publishOutbox } from '#store/outbox';
import type { Store } from '#store/store';
import { cancelRun } from '../../../functions/etl/cancel.ts';
import { CANCEL_PATIENCE, endFromOutside } from '../../../functions/etl/end-run.ts';
import { startExecution } from '../../../functions/etl/executions.ts';
import { startRun } from '../../../functions/etl/start.ts';
import { startWaiting } from '../../../functions/etl/waiting.ts';
import { watchRuns } from '../../../functions/etl/watch.ts';
import { create as createModel } from '../../../functions/models/create.ts';
import { type Containers, type Fate, openContainers, type WorkerPool } from './containers.ts';
import { every } from './every.ts';
import { judge, type Kept, type Way } from './guarantees.ts';
import { openRoughService, type RoughService } from './http-faults.ts';
import { openMessages } from './messages.ts';
import type { Dice } from './random.ts';
import { openReader } from './reader.ts';
import { ACTOR, makeTable, makeTenant, silent } from './tenant.ts';
import { compareWhole, keptRows, publications } from './warehouse-rows.ts';
import type { World } from './world.ts';

/** When somebody was killed clocks go so far ahead: what it held has run out then. */
const AHEAD_MS = 31_000;
/** A load that takes longer is taken for one that never ends. */
const PATIENCE_MS = 300_000;
/** Processes killed in one load: the platform and the watch start no more than a dozen. */
const MOST_KILLS = 4;

/** What a story is about. */
export interface StoryOptions {
  readonly kind: string;
  readonly way: Way;
  readonly runs: number;
  readonly dice: Dice;
  readonly pool: WorkerPool;
  /** The local cloud's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Makes the world, told where a tenant's files are. */
  readonly open: (folder: string) => Promise<World>;
  /** The next write to die at, of those that a load of this kind and way has. */
  readonly points: { next: number; most: number };
  readonly told: (fault: string) => void;
}

/** How it went. */
export interface Told {
  readonly kind: string;
  readonly way: Way;
  /** How each load ended, the last one in peace. */
  readonly ends: readonly string[];
  readonly rowsCompared: number;
  readonly looks: number;
  readonly halves: readonly string[];
  readonly wrong: readonly string[];
  /** What the processes said last, where something is wrong. */
  readonly said: readonly string[];
}

/** What every part of a story works with. */
interface Scene {
  readonly options: StoryOptions;
  readonly config: Config;
  readonly store: Store;
  readonly place: { readonly tenant: string; readonly model: string };
  readonly world: World;
  readonly containers: Containers;
  readonly services: readonly RoughService[];
  readonly direct: Warehouse;
  readonly dataset: string;
  readonly destination: string;
  readonly fates: Fate[];
}

/** Lives a story through. */
export async function tell(options: StoryOptions): Promise<Told> {
  const { dice, told, pool, env, way } = options;
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
        publishTogether: false,
      })
    ).id;
    const place = { tenant: tenant.id, model };
    const source = await options.open(`gs://${config.bucket}/${tenant.id}/${model}/uploads/`);
    closing.push(source.close);
    const containers = openContainers({
      pool,
      env: rough,
      unitBytes: source.unitBytes,
      tasks: () => dice.pick([1, 1, 2, 3]),
      fateOf: () => fates.shift() ?? { point: 0, afterMs: 0 },
      ahead: () => ahead,
      killed(where) {
        told(`killed ${where.replace(/[0-9a-f]{8,}\S*|\d+/g, '…').slice(0, 60)}`);
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
    const table = await makeTable(store, direct, place, tenant, source, way);
    const mine: Store = { ...store, db: onlyOf(store.db, tenant.id) };
    closing.push(
      every(1500, async () => {
        await watchRuns(mine, world, silent);
        await publishOutbox(mine, 1);
      }),
    );
    const warehouse = openWarehouse({ ...tenant.cloud, endpoints: direct.endpoints });
    const dataset = datasetNames(tenant.cloud, tenant.id, model).raw;
    const reader = openReader(warehouse, dataset, table.destination, way === 'merge-mark');
    closing.push(reader.close);
    const all: Scene = {
      options,
      config,
      store,
      place,
      world: source,
      containers,
      services,
      direct: warehouse,
      dataset,
      destination: table.destination,
      fates,
    };
    const { ends, wrong, rowsCompared } = await loads(all);
    await reader.close();
    const halves = reader.halves();
    const bad = wrong.length > 0 || halves.length > 0;
    return {
      kind: options.kind,
      way,
      ends,
      rowsCompared,
      looks: reader.looks(),
      halves,
      wrong,
      said: bad ? said : [],
    };
  } finally {
    for (const close of closing.reverse()) await close();
  }
}

/** All loads of the story, one after the other. */
async function loads(scene: Scene): Promise<Pick<Told, 'ends' | 'wrong' | 'rowsCompared'>> {
  const { options, world, services, fates } = scene;
  const { way } = options;
  const ends: string[] = [];
  const wrong: string[] = [];
  let rowsCompared = 0;
  let before: Kept[] = [];
  const stopWriting = new AbortController();
  const writing = world.write(stopWriting.signal);
  try {
    for (let nth = 0; nth <= options.runs; nth++) {
      const quiet = nth === options.runs;
      if (quiet) {
        stopWriting.abort();
        await writing;
      }
      if (!quiet) plan(scene);
      const from = world.history.length;
      const { id, end } = await load(scene);
      const to = world.history.length;
      fates.length = 0;
      for (const service of services) service.rate = 0;
      if (world.way !== null) Object.assign(world.way.roughness, { breaks: 0, stalls: 0 });
      ends.push(end);
      const after = await keptRows(scene, way);
      const ledger = await publications(scene, id);
      const about = `load ${nth + 1} (${end})`;
      rowsCompared += after.length;
      if (ledger > 1) wrong.push(`${about}: published ${ledger} times`);
      if (end === 'never') wrong.push(`${about}: it does not end`);
      if (ledger > 0 !== end.startsWith('succeeded') && !(ledger === 0 && end === 'succeeded nothing'))
        wrong.push(`${about}: the run is ${end}, the ledger has ${ledger} rows`);
      if (quiet && !end.startsWith('succeeded')) wrong.push(`${about}: in peace`);
      const load_ = { way, history: world.history, from, to, published: ledger > 0, before, after, quiet };
      wrong.push(...judge(load_).map((what) => `${about}: ${what}`));
      if (quiet) {
        const found = await compareWhole(scene, world, way);
        rowsCompared += found.rows;
        wrong.push(...found.wrong);
      }
      before = after;
    }
  } finally {
    stopWriting.abort();
    await writing.catch((error: unknown) => wrong.push(`a writer failed: ${String(error)}`));
  }
  return { ends, wrong, rowsCompared };
}

/** Chooses what goes wrong in the next load. */
function plan({ options, world, services, fates }: Scene): void {
  const { dice, points } = options;
  for (let kills = dice.whole(0, MOST_KILLS); kills > 0; kills--)
    fates.push(
      dice.chance(0.6)
        ? { point: nextPoint(points), afterMs: 0 }
        : { point: 0, afterMs: dice.whole(30, 2500) },
    );
  for (const service of services) service.rate = dice.chance(0.5) ? dice.pick([0.02, 0.06, 0.12]) : 0;
  if (world.way !== null) {
    world.way.roughness.breaks = dice.chance(0.4) ? dice.pick([0.1, 0.4]) : 0;
    world.way.roughness.stalls = dice.chance(0.4) ? 0.3 : 0;
  }
}

function nextPoint(points: StoryOptions['points']): number {
  // A margin: who dies needs more writes on the whole than who does not.
  points.next = points.next >= 2 * points.most + 6 ? 1 : points.next + 1;
  return points.next;
}

/** Starts a load, perhaps twice, and waits for its end. @returns its id, and how it ended */
async function load(scene: Scene): Promise<{ id: string; end: string }> {
  const { store, place, options, world, containers } = scene;
  const { dice, told } = options;
  const peaceful = scene.fates.length === 0 && scene.services.every(({ rate }) => rate === 0);
  const start = () => startRun(store, place, { actor: ACTOR, trigger: 'person', overlap: 'join' });
  const { id } = await start();
  if (!peaceful && dice.chance(0.3)) await start();
  if (!peaceful && dice.chance(0.25)) void world.lock(dice.whole(300, 2500)).catch(() => undefined);
  if (!peaceful && world.way !== null && dice.chance(0.2))
    setTimeout(() => world.way?.goDown(dice.whole(200, 1500)), dice.whole(100, 2000));
  if (!peaceful && dice.chance(0.06))
    setTimeout(
      () => {
        told('cancelled');
        void cancelRun(store, { ...place, run: id }, ACTOR).catch(() => undefined);
      },
      dice.whole(50, 3000),
    );
  const path = paths.etlRun(place.tenant, place.model, id);
  for (const until = Date.now() + PATIENCE_MS; Date.now() < until;) {
    const run = (await mustRead(store, path, EtlRun, 'run')).value;
    if (isFinal(etlCycle, run.status)) {
      for (const still = Date.now() + 20_000; !containers.idle() && Date.now() < still;) await wait(50);
      const nothing = run.status === 'succeeded' && run.counts.rows === 0 ? ' nothing' : '';
      return { id, end: `${run.status}${nothing}${run.failure === null ? '' : ` ${run.failure.code}`}` };
    }
    await wait(100);
  }
  return { id, end: 'never' };
}

function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
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
