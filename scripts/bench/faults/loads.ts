/* The loads of a story, one after the other: what goes wrong in each, how it ends, and what is in the warehouse then. */
import type { Warehouse } from '#cloud/bigquery';
import { EtlRun, EtlTable, etlCycle, type LoadAgain } from '#core/etl-run';
import { isFinal } from '#core/life-cycle';
import { paths } from '#core/paths';
import type { SourceTable } from '#core/source';
import { mustRead, readAll } from '#store/document';
import { makeId, type Store } from '#store/store';
import { cancelRun } from '../../../functions/etl/cancel.ts';
import { startRun } from '../../../functions/etl/start.ts';
import type { Containers, Fate } from './containers.ts';
import { judge, type Kept } from './guarantees.ts';
import type { RoughService } from './http-faults.ts';
import type { Dice } from './random.ts';
import { isMisfit, seeing } from './seen.ts';
import { ACTOR } from './tenant.ts';
import type { Plan } from './traits.ts';
import { compareWhole, keptRows, publications, someMoment } from './warehouse-rows.ts';
import type { World } from './world.ts';

/** A load that takes longer is taken for one that never ends. */
const PATIENCE_MS = 300_000;
/** Processes killed in one load: the platform and the watch start no more than a dozen. */
const MOST_KILLS = 4;

/** At which writes processes die: before and after each of `most`, the writes of a task of such a load; `turn` counts the deaths. */
export interface Points {
  most: number;
  readonly turn: () => number;
}

/** What every part of a story works with. */
export interface Scene {
  readonly plan: Plan;
  readonly dice: Dice;
  readonly points: Points;
  readonly told: (fault: string) => void;
  readonly store: Store;
  readonly place: { readonly tenant: string; readonly model: string };
  readonly world: World;
  readonly containers: Containers;
  readonly services: readonly RoughService[];
  /** The warehouse, past every fault. */
  readonly direct: Warehouse;
  readonly dataset: string;
  readonly tables: readonly SourceTable[];
  readonly fates: Fate[];
}

/** How the loads ended, and what is wrong with them. */
export interface Outcome {
  readonly ends: string[];
  /** Why loads failed, in the product's words. */
  readonly failures: string[];
  readonly wrong: string[];
  rowsCompared: number;
}

/** A load that is over. */
interface Ended {
  readonly id: string;
  readonly end: string;
  readonly again: LoadAgain | null;
  /** Commits of the source when it was started, and when it was over. */
  readonly from: number;
  readonly to: number;
  /** Nothing has changed since before it began. */
  readonly quiet: boolean;
  readonly about: string;
}

/** All loads of the story, one after the other. */
export async function loads(scene: Scene): Promise<Outcome> {
  const { plan, world, services, fates, tables } = scene;
  const outcome: Outcome = { ends: [], failures: [], wrong: [], rowsCompared: 0 };
  const before = new Map<string, readonly Kept[]>();
  const stopWriting = new AbortController();
  const writing = world.write(stopWriting.signal);
  try {
    for (let nth = 0; nth <= plan.runs; nth++) {
      const quiet = nth === plan.runs;
      if (quiet) {
        stopWriting.abort();
        await writing;
        await wait(world.settlesMs);
      } else invite(scene);
      const again = quiet ? null : await chooseAgain(scene);
      const from = world.history.length;
      const { id, end, failure } = await load(scene, again);
      if (failure !== null) outcome.failures.push(failure);
      const to = world.history.length;
      fates.length = 0;
      for (const service of services) service.rate = 0;
      if (world.way !== null) Object.assign(world.way.roughness, { breaks: 0, stalls: 0 });
      const told = again === null ? end : `${end} (${'anew' in again ? 'anew' : 'from'})`;
      outcome.ends.push(told);
      const ended = { id, end, again, from, to, quiet, about: `load ${nth + 1} (${told})` };
      if (end === 'never') outcome.wrong.push(`${ended.about}: it does not end`);
      if (quiet && !end.startsWith('succeeded')) outcome.wrong.push(`${ended.about}: in peace`);
      for (const table of tables) await look(scene, table, ended, before, outcome);
    }
  } finally {
    stopWriting.abort();
    await writing.catch((error: unknown) => outcome.wrong.push(`a writer failed: ${String(error)}`));
  }
  return outcome;
}

/** Looks at a table after a load. */
async function look(
  scene: Scene,
  table: SourceTable,
  { id, end, again, from, to, quiet, about }: Ended,
  before: Map<string, readonly Kept[]>,
  outcome: Outcome,
): Promise<void> {
  const { plan, world, store } = scene;
  const { way, traits } = plan;
  const { destination } = table;
  const there = { ...scene, destination };
  const say = (what: string) => outcome.wrong.push(`${about}: ${destination}: ${what}`);
  const stays = traits.includes('rejected') && way.startsWith('merge');
  const see = seeing(traits, stays);
  const after = await keptRows(there, way);
  const published = await publications(there, id);
  outcome.rowsCompared += after.length;
  if (published > 1) say(`published ${published} times`);
  const path = paths.etlTables(scene.place.tenant, scene.place.model, id);
  const found = (await readAll(store, path, EtlTable)).find((one) => one.id === table.id);
  const nothing = published === 0 && end === 'succeeded' && found?.counts.rows === 0;
  if (published > 0 !== (end === 'succeeded') && !nothing)
    say(`the run is ${end}, the ledger has ${published} rows`);
  const wrong = judge({
    way,
    history: world.history.seen(see),
    rejects: stays ? isMisfit : () => false,
    again: again === null ? null : 'anew' in again ? 'anew' : 'from',
    pinned: world.pinned,
    from,
    to,
    published: published > 0,
    before: before.get(destination) ?? [],
    after,
    quiet,
  });
  for (const what of wrong) say(what);
  if (quiet) {
    const whole = await compareWhole(there, world, way, see);
    outcome.rowsCompared += whole.rows;
    for (const what of whole.wrong) say(what);
  }
  before.set(destination, after);
}

/** Chooses what goes wrong in the next load. */
function invite({ dice, points, world, services, fates }: Scene): void {
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

/** Between which two writes the golden ratio leaves the widest gap, the next comes: a few deaths are spread over all of them. */
const GOLDEN = 0.618_033_988_75;

function nextPoint(points: Points): number {
  // A margin: who dies needs more writes on the whole than who does not.
  return 1 + Math.floor(((points.turn() * GOLDEN) % 1) * (2 * points.most + 6));
}

/** What the next load reads once more; null: it goes on. */
async function chooseAgain(scene: Scene): Promise<LoadAgain | null> {
  const { plan, dice, world, tables } = scene;
  if (!plan.traits.includes('again') || !dice.chance(0.5)) return null;
  const [table] = tables;
  const { beginning, cursorSql } = world;
  if (table === undefined || table.cursor === null || beginning === null || cursorSql === null)
    return { anew: true };
  if (dice.chance(0.4)) return { anew: true };
  const moment = await someMoment({ ...scene, destination: table.destination }, cursorSql);
  return moment === null ? { anew: true } : { from: beginning(moment) };
}

/** Starts a load, perhaps twice, and waits for its end. @returns its id, and how it ended */
async function load(
  scene: Scene,
  again: LoadAgain | null,
): Promise<{ id: string; end: string; failure: string | null }> {
  const { store, place, dice, told, world, containers } = scene;
  const peaceful = scene.fates.length === 0 && scene.services.every(({ rate }) => rate === 0);
  // The same id is the same run; and a run that goes on is joined.
  const one =
    again === null ? {} : { id: makeId(store, 'r'), again, tables: scene.tables.map(({ id }) => id) };
  const start = () => startRun(store, place, { actor: ACTOR, trigger: 'person', overlap: 'join', ...one });
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
      const { status, failure } = run;
      return failure === null
        ? { id, end: status, failure: null }
        : { id, end: `${status} ${failure.code}`, failure: `${failure.code}: ${failure.message}` };
    }
    await wait(100);
  }
  return { id, end: 'never', failure: null };
}

function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
