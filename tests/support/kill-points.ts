/*
 * Loaded into a process before its own code (`node --import`): counts every write that leaves the process (Firestore
 * commits, messages published, whatever changes something in Cloud Run, Vertex AI, BigQuery and Cloud Storage), and ends the
 * process by SIGKILL right before or right after one of them. Nothing of this is known to the code it is loaded into.
 *
 *   KILL_FOLDER           where processes find `ahead` (milliseconds that all clocks are ahead; it may grow at any time) and
 *                         leave a line in `kills` for each kill, in `ends` for each process that came to its own end
 *   KILL_POINT=2n-1, 2n   before, after the nth write: given to a function
 *   <folder>/points/<tenant>-<name>.json   the points of a container's processes, one after the other
 */
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { watchWrites } from './watch-writes.ts';

const folder = process.env['KILL_FOLDER'] ?? '';
const point = folder === '' ? 0 : findPoint();
let writes = 0;

/** Who this process is: a function is told, a container runs `images/<name>/<state>/index.js`. */
function nameOf(): string {
  const image = dirname(dirname(process.argv[1] ?? ''));
  return process.env['KILL_NAME'] ?? (basename(dirname(image)) === 'images' ? basename(image) : '');
}

function findPoint(): number {
  if (process.env['KILL_POINT'] !== undefined) return Number(process.env['KILL_POINT']);
  const plan = join(folder, 'points', `${process.env['TRADEWIND_TENANT']}-${nameOf()}.json`);
  let points: unknown;
  try {
    points = JSON.parse(readFileSync(plan, 'utf8'));
  } catch {
    return 0;
  }
  for (let nth = 0; Array.isArray(points) && nth < points.length; nth++)
    try {
      mkdirSync(`${plan}.${nth}`);
      return Number(points[nth]);
    } catch {
      // A process before this one has taken it.
    }
  return 0;
}

function die(what: string): void {
  appendFileSync(join(folder, 'kills'), `${nameOf()} ${point % 2 === 1 ? 'before' : 'after'} ${what}\n`);
  process.kill(process.pid, 'SIGKILL');
}

/** Counts a write. @returns whether the process is to end after it */
function begin(what: string): boolean {
  writes += 1;
  if (point === 2 * writes - 1) die(what);
  return point === 2 * writes;
}

if (folder !== '') {
  if (nameOf() !== '') {
    watchWrites((what) => (begin(what) ? () => die(what) : undefined));
    process.on('exit', (code) => appendFileSync(join(folder, 'ends'), `${nameOf()} ${writes} ${code}\n`));
  }
  advanceClock();
}

/** The clock of every process is ahead by what the folder says, now and whenever it says more. */
function advanceClock(): void {
  let ahead = 0;
  const look = () => {
    try {
      ahead = Number(readFileSync(join(folder, 'ahead'), 'utf8'));
    } catch {
      // Not said yet.
    }
  };
  look();
  setInterval(look, 200).unref();
  const RealDate = Date;
  globalThis.Date = class extends RealDate {
    constructor(...args: [] | [number | string | Date]) {
      super(args.length === 0 ? RealDate.now() + ahead : args[0]);
    }
    static override now(): number {
      return RealDate.now() + ahead;
    }
    // Components (`new Date(2026, 0, 1)`) are used by nobody here; everything else is inherited.
  } as DateConstructor;
}
