/**
 * Drift: what a table of a source has become since it was last loaded, and what may be done about it without asking. Pure.
 *
 *     described ─▶ difference ─▶ held by the table's policy? ── no ──▶ applied by the load, in place
 *                                       └─ yes ─▶ proposal: open ─▶ accepted ─▶ applied: in place, or as a new version
 *                                                            └────▶ kept: the raw table stays as it is
 */
import { z } from 'zod';
import { ColumnType } from './column.ts';
import { Id, Moment } from './ids.ts';
import type { LoadedColumn } from './warehouse-name.ts';

/**
 * What a load does by itself where a table has changed: `propagate` everything that loses nothing, `add` new columns only,
 * or `block`, which asks about any difference. What is not done by itself fails the table and is proposed.
 */
export const DriftPolicy = z.enum(['propagate', 'add', 'block']);
export type DriftPolicy = z.infer<typeof DriftPolicy>;

/** A column of a raw table, as the last load left it. `name` and `type` are the warehouse's. */
export const KeptColumn = z.object({
  name: z.string(),
  type: ColumnType,
  /** As the source names it; null where the source had it no more: it stays, and is null in new rows. */
  source: z.string().nullable(),
  /** '' where it is not known. */
  sourceType: z.string(),
  nullable: z.boolean(),
});
export type KeptColumn = z.infer<typeof KeptColumn>;

/** A raw table's columns and what they came from, as of its last load. */
export const LoadedSchema = z.object({
  columns: z.array(KeptColumn),
  /** The primary key that the source had; null: none. */
  key: z.array(z.string()).nullable(),
  /** Columns that were left out by choice. */
  excluded: z.array(z.string()),
  /** Columns that were to be left out or hashed, and that the source did not have. */
  absent: z.array(z.string()).default([]),
  run: Id,
  at: Moment,
});
export type LoadedSchema = z.infer<typeof LoadedSchema>;

/** Columns of one table beyond which its schema is not kept a second time: documents hold a megabyte. */
export const MAX_KEPT_COLUMNS = 3000;

/**
 * How a column has changed.
 *
 * - `added`, `removed`: it came, or went. A renamed one is both.
 * - `widened`: its new type holds every value of the old one, and BigQuery changes the column in place.
 * - `narrowed`: the raw table's type holds every value of the new one, and stays.
 * - `retyped`: of another type otherwise.
 * - `nullable`: it may be null now. `restated`: the source says its type otherwise, the warehouse does not.
 * - `key`: the table's primary key is another one; `column` is then empty.
 * - `lost`: a column that is to be left out or hashed is gone, and others are new: one of them may be it.
 */
export const ColumnChange = z.object({
  kind: z.enum(['added', 'removed', 'widened', 'narrowed', 'retyped', 'nullable', 'restated', 'key', 'lost']),
  /** As the source names it, or did. */
  column: z.string(),
  /** Its type in the warehouse before and after, or the key's columns; null where there is none. */
  from: z.string().nullable(),
  to: z.string().nullable(),
  /** Likewise in the source's words; '' where they are not known. */
  sourceFrom: z.string().default(''),
  sourceTo: z.string().default(''),
  /** Of an added column: the removed one that it may be under another name. */
  renamedFrom: z.string().nullable().default(null),
});
export type ColumnChange = z.infer<typeof ColumnChange>;

/**
 * The types into which BigQuery changes a column in place (ALTER COLUMN SET DATA TYPE) and that keep every value exactly.
 * It would also make FLOAT64 of whole numbers and decimals, which not all of them survive.
 */
const WIDER: Readonly<Partial<Record<ColumnType, readonly ColumnType[]>>> = {
  INT64: ['NUMERIC', 'BIGNUMERIC'],
  NUMERIC: ['BIGNUMERIC'],
  DATE: ['DATETIME'],
};

/** Whether every value of `from` is kept exactly by `to`, another type, into which BigQuery changes a column in place. */
export function widens(from: ColumnType, to: ColumnType): boolean {
  return WIDER[from]?.includes(to) === true;
}

/** What was loaded last; `key` is left out where nobody has kept it. */
export type Baseline = Pick<LoadedSchema, 'columns' | 'excluded'> &
  Partial<Pick<LoadedSchema, 'key' | 'absent'>>;

/** A table as its source describes it: the columns that are to be loaded, and its primary key (empty or null: none). */
export interface DescribedSchema {
  readonly columns: readonly LoadedColumn[];
  readonly key: readonly string[] | null;
  readonly excluded: readonly string[];
  /** Columns that are to be left out or hashed, and that the source does not have. */
  readonly missing?: readonly string[];
}

/**
 * In what `now` differs from what was loaded last. Columns are told by their names in the warehouse; those that somebody
 * chose to leave out, or to load again, are no difference. Sorted by column.
 * @param loaded its `key` is left out where nobody has kept what was loaded: then what is gone is no difference either. Null:
 *   nothing was loaded yet, and all columns are as good as new
 */
export function tableDifference(loaded: Baseline | null, now: DescribedSchema): ColumnChange[] {
  const lost = (now.missing ?? []).filter((name) => loaded?.absent?.includes(name) !== true);
  if (loaded === null) return lost.map((name) => change('lost', name, {}));
  const left = new Map(loaded.columns.map((one) => [one.name.toLowerCase(), one]));
  const changes: ColumnChange[] = [];
  for (const { column, name } of now.columns) {
    const before = left.get(name.toLowerCase());
    left.delete(name.toLowerCase());
    const to = { to: column.type, sourceTo: column.sourceType };
    if (before === undefined) {
      if (!loaded.excluded.includes(column.name)) changes.push(change('added', column.name, to));
      continue;
    }
    // Its values were to be left out, and are called otherwise now.
    const respelled = before.source !== column.name && lost.includes(before.source ?? '');
    const kind = respelled ? 'added' : kindOf(before, column, loaded.excluded);
    const from = { from: before.type, sourceFrom: before.sourceType };
    if (kind !== null) changes.push(change(kind, column.name, kind === 'added' ? to : { ...from, ...to }));
  }
  for (const { source, type, sourceType } of left.values())
    if (loaded.key !== undefined && source !== null && !now.excluded.includes(source))
      changes.push(change('removed', source, { from: type, sourceFrom: sourceType }));
  if (changes.some(({ kind }) => kind === 'added'))
    for (const name of lost)
      if (!changes.some(({ kind, column }) => kind === 'removed' && column === name))
        changes.push(change('lost', name, {}));
  const keys = { from: loaded.key?.join(', ') ?? null, to: now.key?.join(', ') || null };
  if (loaded.key !== undefined && (keys.from || null) !== keys.to) changes.push(change('key', '', keys));
  return withRenames(changes).sort((a, b) => (a.column < b.column ? -1 : 1));
}

function kindOf(
  before: KeptColumn,
  column: LoadedColumn['column'],
  excluded: readonly string[],
): ColumnChange['kind'] | null {
  const restated = before.sourceType !== '' && before.sourceType !== column.sourceType;
  if (before.type !== column.type) {
    if (widens(before.type, column.type)) return 'widened';
    // Once it is taken in it goes on so: the raw table's type stays the wider one.
    return widens(column.type, before.type) ? (restated ? 'narrowed' : null) : 'retyped';
  }
  // It was gone, and comes back as it was.
  if (before.source === null) return excluded.includes(column.name) ? null : 'added';
  if (column.nullable && !before.nullable) return 'nullable';
  return restated ? 'restated' : null;
}

function change(
  kind: ColumnChange['kind'],
  column: string,
  about: Partial<Pick<ColumnChange, 'from' | 'to' | 'sourceFrom' | 'sourceTo'>>,
): ColumnChange {
  return { from: null, to: null, sourceFrom: '', sourceTo: '', ...about, kind, column, renamedFrom: null };
}

/** An added and a removed column that are alone in being of their type may be one. */
function withRenames(changes: readonly ColumnChange[]): ColumnChange[] {
  const type = (one: ColumnChange) => (one.kind === 'added' ? one.to : one.from);
  const alone = (kind: ColumnChange['kind'], wanted: string | null) => {
    const found = changes.filter((one) => one.kind === kind && type(one) === wanted);
    return found.length === 1 ? found[0] : undefined;
  };
  return changes.map((one) => {
    if (one.kind !== 'added' || alone('added', one.to) !== one) return one;
    return { ...one, renamedFrom: alone('removed', one.to)?.column ?? null };
  });
}

/** What decides about a difference besides the table's policy. */
export interface DriftContext {
  readonly policy: DriftPolicy;
  /** Rows are merged by the source's primary key. */
  readonly mergesByPrimaryKey: boolean;
  /** Whether a data set reads the column, by the source's name. */
  readonly isNeeded: (column: string) => boolean;
  /** Whether it is hashed: under another name its values would arrive as they are. */
  readonly isHashed: (column: string) => boolean;
}

/** What of `changes` a load does not apply by itself. */
export function heldChanges(changes: readonly ColumnChange[], context: DriftContext): ColumnChange[] {
  const hides = changes.some(
    ({ kind, column }) => kind === 'lost' || (kind === 'removed' && context.isHashed(column)),
  );
  return changes.filter((one) => isHeld(one, context, hides));
}

/** @param hides a column whose values are not to arrive is gone, and may be a new one under another name */
function isHeld({ kind, column }: ColumnChange, context: DriftContext, hides: boolean): boolean {
  const { policy } = context;
  switch (kind) {
    case 'restated':
      return false;
    case 'nullable':
    case 'narrowed':
      return policy === 'block';
    case 'added':
      return policy === 'block' || hides;
    // A column that is null from now on is learned from without a word.
    case 'removed':
      return policy !== 'propagate' || context.isNeeded(column) || context.isHashed(column);
    case 'widened':
      return policy !== 'propagate';
    case 'key':
      return policy === 'block' || context.mergesByPrimaryKey;
    case 'retyped':
    case 'lost':
      return true;
  }
}

/** Whether the raw table cannot take `changes`, so that they need a new version of it. */
export function needNewVersion(
  changes: readonly ColumnChange[],
  { mergesByPrimaryKey }: Pick<DriftContext, 'mergesByPrimaryKey'>,
): boolean {
  return changes.some(({ kind }) => kind === 'retyped' || (kind === 'key' && mergesByPrimaryKey));
}

/** What is proposed about changes that no load applies by itself. */
export const Proposal = z.object({
  /** Follows from `changes`: whoever decides says by it what was seen. */
  id: z.string(),
  changes: z.array(ColumnChange),
  /** Accepted, the table begins anew in a new version of its raw table; else the changes are made in the one there is. */
  newVersion: z.boolean(),
  /** When they were first seen, and by what: a run's id, or `discovery`. */
  since: Moment,
  foundBy: z.string(),
  decision: z.enum(['open', 'accepted', 'kept']),
  decidedAt: Moment.nullable(),
  decidedBy: z.string().nullable(),
});
export type Proposal = z.infer<typeof Proposal>;

/**
 * The proposal for `held`, which is not empty: the former one where it is about the same. Of a former one about something
 * else only the moment stays, while it was not decided.
 */
export function propose(
  held: readonly ColumnChange[],
  newVersion: boolean,
  former: Proposal | null,
  seen: { readonly at: string; readonly by: string },
): Proposal {
  const id = proposalId(held);
  if (former?.id === id && former.newVersion === newVersion) return former;
  return {
    id,
    changes: [...held],
    newVersion,
    since: former?.decision === 'open' ? former.since : seen.at,
    foundBy: seen.by,
    decision: 'open',
    decidedAt: null,
    decidedBy: null,
  };
}

/** Fourteen letters and digits that follow from what `changes` say (FNV-1a, twice). */
function proposalId(changes: readonly ColumnChange[]): string {
  const text = JSON.stringify(changes.map(({ kind, column, from, to }) => [kind, column, from, to]));
  return [0x811c9dc5, 0x01000193]
    .map((seed) => {
      let hash = seed;
      for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
      return hash.toString(36).padStart(7, '0');
    })
    .join('');
}

/** A change in words, with the column and both types: a clause, without a full stop. */
export function describeChange({
  kind,
  column,
  from,
  to,
  sourceFrom,
  sourceTo,
  renamedFrom,
}: ColumnChange): string {
  const was = withSource(from, sourceFrom);
  const is = withSource(to, sourceTo);
  switch (kind) {
    case 'added':
      return `"${column}" (${is}) is new${renamedFrom === null ? '' : `, perhaps "${renamedFrom}" under another name`}`;
    case 'removed':
      return `"${column}" (${was}) is gone`;
    case 'widened':
      return `"${column}" was ${was} and is ${is}, which holds every value it had`;
    case 'narrowed':
      return `"${column}" was ${was} and is ${is}, which ${from} holds`;
    case 'retyped':
      return `"${column}" was ${was} and is ${is}`;
    case 'nullable':
      return `"${column}" may be empty now`;
    case 'restated':
      return `"${column}" was ${sourceFrom} and is ${sourceTo} in the source, ${to} in the warehouse as before`;
    case 'key':
      return `the primary key was ${from ?? 'none'} and is ${to ?? 'none'}`;
    case 'lost':
      return `"${column}", whose values are not to arrive as they are, is gone, and may have another name now`;
  }
}

function withSource(type: string | null, sourceType: string): string {
  return sourceType === '' || sourceType === type ? (type ?? '') : `${type}, ${sourceType} in the source`;
}
