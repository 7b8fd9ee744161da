/* What must be true of the warehouse's table after a load, by the way it is loaded. Pure. */
import { type History, type Item, markOf, textOf } from './history.ts';

/** The ways a table is loaded. */
export const WAYS = ['replace', 'append', 'merge', 'merge-cursor', 'merge-mark', 'merge-sweep'] as const;
export type Way = (typeof WAYS)[number];

/** Whether rows that the source has no more are marked: because they did not come, or by a look at all keys. */
export function marksDeleted(way: Way): boolean {
  return way === 'merge-mark' || way === 'merge-sweep';
}

/** A row of the warehouse's table. */
export interface Kept {
  readonly item: Item;
  readonly deleted: boolean;
}

/** A load to be judged. */
export interface Load {
  readonly way: Way;
  /** Of the rows as they arrive. */
  readonly history: History;
  /** Whether a row is rejected: merging, its former version stays, whichever that is. */
  readonly rejects: (item: Item) => boolean;
  /** What it read once more. */
  readonly again: 'anew' | 'from' | null;
  /** Whether all rows are read at one moment, which is not so of several files. */
  readonly pinned: boolean;
  /** Commits before it was started, and when it was over. */
  readonly from: number;
  readonly to: number;
  /** Whether the ledger says that it has published. */
  readonly published: boolean;
  readonly before: readonly Kept[];
  readonly after: readonly Kept[];
  /** Nothing changed since before the load began: it must have brought everything. */
  readonly quiet: boolean;
}

const keptText = ({ item, deleted }: Kept): string => `${deleted ? 'deleted ' : ''}${textOf(item)}`;

/** What is wrong, in words; nothing where all is well. */
export function judge(load: Load): string[] {
  const { way, history, published, before, after, quiet } = load;
  if (!published) {
    const same = sameRows(before, after);
    const missed = quiet && way !== 'replace' ? wholeAtRest(load) : [];
    return same === null ? missed : [`nothing was published, and the table is another: ${same}`];
  }
  if (quiet) return wholeAtRest(load);
  if (load.again === 'anew' && way !== 'append') return readAnew(load);
  switch (way) {
    case 'replace':
      return momentOf(load);
    case 'append':
      return [...twice(after, keptText, 'row'), ...strangers(history, after), ...lost(before, after)];
    case 'merge-cursor':
      return [
        ...twice(after, ({ item }) => String(item.id), 'key'),
        ...strangers(history, after),
        ...older(before, after),
      ];
    case 'merge-sweep':
      return [
        ...twice(after, ({ item }) => String(item.id), 'key'),
        ...strangers(history, after),
        ...older(before, after),
        // Whoever reads a part once more looks at no keys.
        ...(load.again === 'from' ? [] : swept(load)),
      ];
    default:
      return merged(load);
  }
}

/** Every row was replaced. */
function readAnew(load: Load): string[] {
  const { history, from, to, before, after, pinned } = load;
  if (pinned) return momentOf(load);
  const always = history.throughout(from, to);
  return [
    ...twice(after, ({ item }) => String(item.id), 'key'),
    ...strangers(history, after),
    ...older(
      before.filter(({ item }) => always.has(item.id)),
      after,
    ),
  ];
}

function momentOf({ history, from, to, after }: Load): string[] {
  const marked = after.find(({ deleted }) => deleted);
  if (marked !== undefined) return [`marked, and it has just been read: ${keptText(marked)}`];
  return isMoment(history, from, to, after) ? [] : [`no moment of the source had these ${after.length} rows`];
}

/** Exactly the rows that the source had no more at some moment are marked. */
function swept({ history, from, to, after }: Load): string[] {
  let why = '';
  for (let k = to; k >= from; k--) {
    const state = history.at(k);
    const bad = after.find(({ item, deleted }) => deleted === state.has(item.id));
    if (bad === undefined) return [];
    why = keptText(bad);
  }
  return [`at no moment of the source were these rows gone, e.g. ${why}`];
}

function sameRows(one: readonly Kept[], other: readonly Kept[]): string | null {
  const [a, b] = [one.map(keptText).sort(), other.map(keptText).sort()];
  const at = a.findIndex((text, index) => text !== b[index]);
  if (at < 0 && a.length === b.length) return null;
  return `${a.length} and ${b.length} rows; ${a[at] ?? 'none'} and ${b[at] ?? 'none'}`;
}

function isMoment(history: History, from: number, to: number, rows: readonly Kept[]): boolean {
  const texts = rows.map(({ item }) => textOf(item));
  const mark = texts.reduce((sum, text) => sum + markOf(text), 0n);
  const wanted = texts.sort();
  return history.moments(from, to, rows.length, mark).some((k) => {
    const then = [...history.at(k).values()].map(textOf).sort();
    return then.every((text, index) => text === wanted[index]);
  });
}

function twice(rows: readonly Kept[], by: (row: Kept) => string, what: string): string[] {
  const seen = new Set<string>();
  for (const row of rows) {
    const text = by(row);
    if (seen.has(text)) return [`a ${what} is there twice: ${keptText(row)}`];
    seen.add(text);
  }
  return [];
}

function strangers(history: History, rows: readonly Kept[]): string[] {
  const stranger = rows.find(({ item }) => !history.ever.has(textOf(item)));
  return stranger === undefined ? [] : [`a row that the source never committed: ${keptText(stranger)}`];
}

function lost(before: readonly Kept[], after: readonly Kept[]): string[] {
  const there = new Set(after.map(keptText));
  const gone = before.find((row) => !there.has(keptText(row)));
  return gone === undefined ? [] : [`a row that was there is gone: ${keptText(gone)}`];
}

function older(before: readonly Kept[], after: readonly Kept[]): string[] {
  const there = new Map(after.map(({ item }) => [item.id, item.rev]));
  const bad = before.find(({ item }) => (there.get(item.id) ?? -1) < item.rev);
  return bad === undefined ? [] : [`a row is gone, or older than it was: ${keptText(bad)}`];
}

/** Merging whole: what the source had at one moment, and what it had no more, as it was (and marked where it is to be). */
function merged({ way, history, from, to, before, after, rejects }: Load): string[] {
  const double = twice(after, ({ item }) => String(item.id), 'key');
  if (double.length > 0) return double;
  let why = '';
  for (let k = to; k >= from; k--) {
    const found = mergedAt(history.at(k), way === 'merge-mark', before, after, rejects);
    if (found === null) return [];
    why = found;
  }
  return [`no moment of the source leads to these ${after.length} rows, e.g. ${why}`];
}

function mergedAt(
  state: ReadonlyMap<number, Item>,
  marks: boolean,
  before: readonly Kept[],
  after: readonly Kept[],
  rejects: Load['rejects'],
): string | null {
  const then = new Map(before.map((row) => [row.item.id, row]));
  let present = [...state.values()].filter(rejects).length;
  for (const row of after) {
    const source = state.get(row.item.id);
    if (source === undefined || rejects(source)) {
      const old = then.get(row.item.id);
      if (old === undefined || textOf(old.item) !== textOf(row.item))
        return `not from here: ${keptText(row)}`;
      if (source === undefined && row.deleted !== marks) return `marked or not: ${keptText(row)}`;
    } else {
      present++;
      if (row.deleted || textOf(source) !== textOf(row.item))
        return `another than ${textOf(source)}: ${keptText(row)}`;
    }
  }
  if (present !== state.size) return `${state.size - present} rows of the source are not there`;
  const kept = new Set(after.map(({ item }) => item.id));
  const gone = before.find(({ item }) => !kept.has(item.id));
  return gone === undefined ? null : `gone: ${keptText(gone)}`;
}

/** At rest the warehouse has all that the way promises, exactly. */
function wholeAtRest(load: Load): string[] {
  const { way, history, after, rejects } = load;
  const current = new Map([...history.now].filter(([, item]) => !rejects(item)));
  const now = [...current.values()].map((item) => ({ item, deleted: false }));
  if (way === 'append') {
    const ever = [...history.ever].sort();
    const have = after.map(({ item }) => textOf(item)).sort();
    const at = ever.findIndex((text, index) => text !== have[index]);
    return at < 0 && ever.length === have.length
      ? []
      : [
          `${ever.length} rows were committed, ${have.length} are there; ${ever[at] ?? 'none'} and ${have[at] ?? 'none'}`,
        ];
  }
  const live = way === 'replace' ? after : after.filter(({ item }) => current.has(item.id));
  const different = sameRows(now, live);
  const rest = way === 'replace' ? [] : after.filter(({ item }) => !current.has(item.id));
  const unmarked = marksDeleted(way) ? rest.find(({ deleted }) => !deleted) : undefined;
  return [
    ...(different === null ? [] : [`source and warehouse differ: ${different}`]),
    ...(unmarked === undefined ? [] : [`deleted in the source and not marked: ${keptText(unmarked)}`]),
    ...strangers(history, rest),
  ];
}
