import type { ColumnType } from './column.ts';
import { type Concept, type Reading, readName } from './column-words.ts';
import type { ColumnRef, ColumnRoles } from './dataset.ts';
import {
  brandScore,
  categoryScore,
  customerScore,
  describes,
  family,
  itemScore,
  lineCategoryScore,
  nameScore,
  namedAs,
  orderScore,
  priceScore,
  quantityScore,
  type ReadColumn,
  type Score,
  segmentBesideScore,
  segmentScore,
  timeScore,
  valueScore,
} from './role-scores.ts';

/** A table as the guess needs it: `alias` is the table's own name (`order_lines`), `key` its primary key where known. */
export interface GuessTable {
  readonly alias: string;
  readonly columns: readonly { readonly name: string; readonly type: ColumnType }[];
  readonly key?: readonly string[] | null | undefined;
}

export type Role = keyof ColumnRoles;
export const REQUIRED_ROLES = ['customer', 'item', 'time'] as const satisfies readonly Role[];
export type RequiredRole = (typeof REQUIRED_ROLES)[number];

export interface RoleGuess {
  /** Aliases of the tables the guess uses, order lines first; the rest are not needed. */
  readonly tables: readonly string[];
  /** LEFT JOINs in order, as `DatasetDefinition.joins` wants them. */
  readonly joins: readonly { readonly left: ColumnRef; readonly right: ColumnRef }[];
  readonly roles: Partial<ColumnRoles>;
  /** How sure each guessed role is, 0 to 1; below 0.5 a person should look. */
  readonly confidence: Partial<Record<Role, number>>;
  /** Roles without which there is no data set, and for which no column was found. */
  readonly missing: readonly RequiredRole[];
}

interface ReadTable {
  readonly alias: string;
  readonly reading: Reading;
  readonly columns: readonly ReadColumn[];
  readonly key: string | null;
  readonly keyIsKnown: boolean;
}
interface Join {
  readonly left: ColumnRef;
  readonly right: ColumnRef;
}
interface Found {
  readonly ref: ColumnRef;
  readonly score: number;
}

/**
 * Which table holds the order lines, how the others join to it, and which columns mean what: from names (English,
 * German, French, Dutch) and types alone, never from values. Works on one flat file of order lines and on schemas like
 * orders / order_lines / products / customers. Pure; tables × columns² at worst.
 */
export function guessRoles(input: readonly GuessTable[]): RoleGuess {
  const tables = input.map(readTable);
  const best = tables
    .map((table) => ({ table, joins: reach(table, tables) }))
    .map(({ table, joins }) => ({ table, joins, score: linesScore(table, joins, tables) }))
    .reduce<{ table: ReadTable; joins: readonly Join[]; score: number } | null>(
      (top, each) => (top === null || each.score > top.score ? each : top),
      null,
    );
  if (best === null)
    return { tables: [], joins: [], roles: {}, confidence: {}, missing: [...REQUIRED_ROLES] };
  const found = rolesFrom(best.table, best.joins, tables);
  const used = Object.values(found).map(({ ref }) => ref.table);
  const joins = needed(best.joins, new Set(used));
  return {
    tables: [best.table.alias, ...joins.map((join) => join.right.table)],
    joins,
    // fromEntries loses the key type; found's keys are roles.
    roles: Object.fromEntries(
      Object.entries(found).map(([role, { ref }]) => [role, ref]),
    ) as Partial<ColumnRoles>,
    confidence: Object.fromEntries(Object.entries(found).map(([role, { score }]) => [role, score])),
    missing: REQUIRED_ROLES.filter((role) => found[role] === undefined),
  };
}

function readTable(table: GuessTable): ReadTable {
  const reading = readName(table.alias);
  const columns = table.columns.map((column) => ({ ...column, reading: readName(column.name) }));
  const given = table.key ?? [];
  const key = given.length === 0 ? likelyKey(reading, columns) : given.length === 1 ? given[0] : null;
  return { alias: table.alias, reading, columns, key: key ?? null, keyIsKnown: given.length > 0 };
}

/** The column that names a row where no key is declared: `id`, or the table's own noun with a number. */
function likelyKey(table: Reading, columns: readonly ReadColumn[]): string | null {
  if (table.concepts.has('line')) return null;
  const named = columns.find(({ reading }) => reading.words.join() === 'id');
  const own = columns.find(
    ({ reading }) =>
      reading.concepts.has('id') && subjectOf(reading).some((word) => table.words.includes(word)),
  );
  return (named ?? own)?.name ?? null;
}

/** Words that say which thing a reference refers to. */
function subjectOf(reading: Reading): string[] {
  return reading.words.filter((word) => !readName(word).concepts.has('id') || reading.words.length === 1);
}

/** Joins from `lines` to everything it refers to, directly or through others; each table once, the nearest way. */
function reach(lines: ReadTable, tables: readonly ReadTable[]): Join[] {
  const joins: Join[] = [];
  const joined = new Set([lines.alias]);
  const queue = [lines];
  for (let from = queue.shift(); from !== undefined; from = queue.shift()) {
    for (const to of tables) {
      if (joined.has(to.alias)) continue;
      const join = bestJoin(from, to);
      if (join === null) continue;
      joined.add(to.alias);
      joins.push(join);
      queue.push(to);
    }
  }
  return joins;
}

function bestJoin(from: ReadTable, to: ReadTable): Join | null {
  const key = to.columns.find(({ name }) => name === to.key);
  if (key === undefined) return null;
  const best = highest(from, (column) => referenceScore(from, column, to, key));
  return best === null ? null : { left: best.ref, right: { table: to.alias, column: key.name } };
}

const SUBJECTS = [
  'customer',
  'item',
  'order',
  'category',
  'brand',
  'segment',
] as const satisfies readonly Concept[];

/** Tables of what orders are of or by, which are no orders themselves. */
const KINDS = ['category', 'brand', 'segment'] as const satisfies readonly Concept[];
const DESCRIBED: readonly Concept[] = ['customer', 'item', ...KINDS];

/** How surely `column` of `from` holds keys of `to`. */
function referenceScore(from: ReadTable, column: ReadColumn, to: ReadTable, key: ReadColumn): number {
  if (column.name === from.key || family(column.type) !== family(key.type)) return 0;
  const about = column.reading.concepts;
  if (about.has('superseded') || about.has('parent')) return 0;
  // `id` and `code` name nothing by themselves; `sku` does.
  const generic = !SUBJECTS.some((concept) => key.reading.concepts.has(concept));
  if (!generic && column.name.toLowerCase() === key.name.toLowerCase()) return 1;
  if (!about.has('id') && column.reading.words.join() !== to.reading.words.join()) return 0;
  const theirs = to.reading.concepts;
  // A customer's number leads to no table of customers' groups, and a product's group neither.
  if (KINDS.some((kind) => theirs.has(kind))) {
    if (!KINDS.some((kind) => about.has(kind))) return 0;
    if (theirs.has('customer') && !about.has('customer') && !from.reading.concepts.has('customer')) return 0;
  }
  const subject = subjectOf(column.reading);
  const spare = subject.filter((word) => !to.reading.words.includes(word)).length;
  if (theirs.has('line') !== about.has('line')) return 0;
  if (subject.length > 0 && spare < subject.length) return 0.9 - 0.2 * spare;
  const shared = SUBJECTS.some((concept) => about.has(concept) && theirs.has(concept));
  return shared && !theirs.has('side-table') ? 0.6 - 0.1 * column.reading.unknown : 0;
}

/** How much `table` looks like order lines: it refers to items without being the list of items, and counts them. */
function linesScore(table: ReadTable, joins: readonly Join[], tables: readonly ReadTable[]): number {
  const found = rolesFrom(table, joins, tables);
  const item = found.item;
  if (item === undefined) return -10;
  const own = (role: Role) => found[role]?.ref.table === table.alias;
  const name = table.reading.concepts;
  return (
    (item.ref.column === table.key ? -6 : 4) +
    (own('quantity') ? 3 : 0) +
    (own('price') || own('value') ? 2 : 0) +
    (own('order') ? 1 : 0) +
    (found.customer === undefined ? 0 : 3) +
    (found.time === undefined ? 0 : 3) +
    (name.has('line') ? 2 : 0) +
    (name.has('order') ? 1 : 0) -
    (name.has('side-table') || name.has('supplier') ? 6 : 0)
  );
}

/** The columns that best fit each role, within reach of `lines`. */
function rolesFrom(
  lines: ReadTable,
  joins: readonly Join[],
  tables: readonly ReadTable[],
): Partial<Record<Role, Found>> {
  const named = new Map(tables.map((table) => [table.alias, table]));
  const joined = joins.flatMap((join) => named.get(join.right.table) ?? []);
  const orders = joined.filter(({ reading }) => {
    const about = reading.concepts;
    return about.has('order') || !DESCRIBED.some((concept) => about.has(concept));
  });
  const events = [lines, ...orders];
  const customer = pick(events, customerScore);
  const item = pick([lines], itemScore);
  const customers = behind(customer, joins, named);
  const items = behind(item, joins, named);
  const lists = (of: readonly ReadTable[], ...concepts: readonly Concept[]) =>
    of.flatMap((table) =>
      joins
        .filter((join) => join.left.table === table.alias)
        .flatMap((join) => named.get(join.right.table) ?? [])
        .filter(({ reading }) => concepts.some((concept) => reading.concepts.has(concept))),
    );
  const isSegment = ({ reading }: ReadTable) => !reading.concepts.has('item');
  const itemType = lines.columns.find(({ name }) => name === item?.ref.column)?.type;
  const found = {
    customer,
    item,
    time: pick(events, timeScore),
    quantity: pick([lines], quantityScore),
    value: pick([lines], valueScore),
    price: pick([lines], priceScore),
    order: pick([lines], orderScore),
    customerName: pick(customers, nameScore) ?? pick(events, namedAs('customer')),
    itemName: pick(items, nameScore) ?? pick([lines], namedAs('item')) ?? pick([lines], describes),
    customerSegment:
      pick(lists(customers, 'segment', 'category').filter(isSegment), nameScore) ??
      pick(customers, segmentScore) ??
      pick(events, segmentBesideScore),
    itemCategory:
      pick(lists(items, 'category'), nameScore) ??
      better(pick(items, categoryScore), pick([lines], lineCategoryScore)),
    itemBrand: pick(lists(items, 'brand'), nameScore) ?? pick([...items, lines], brandScore),
    supersededBy: pick(items, (column) =>
      column.reading.concepts.has('superseded') &&
      itemType !== undefined &&
      family(column.type) === family(itemType)
        ? 0.9
        : 0,
    ),
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== null));
}

/** The table that a reference leads to. */
function behind(
  found: Found | null,
  joins: readonly Join[],
  named: ReadonlyMap<string, ReadTable>,
): ReadTable[] {
  return joins
    .filter((join) => join.left.table === found?.ref.table && join.left.column === found.ref.column)
    .flatMap((join) => named.get(join.right.table) ?? []);
}

/** The one that fits better; of equals the first. */
function better(one: Found | null, other: Found | null): Found | null {
  return one === null || (other !== null && other.score > one.score) ? other : one;
}

/** The best column of `tables` by `score`; of equals, the one in the earlier table and the earlier column. */
function pick(tables: readonly ReadTable[], score: Score): Found | null {
  return tables
    .map((table) => highest(table, score))
    .reduce((top, each) => (each !== null && (top === null || each.score > top.score) ? each : top), null);
}

function highest(table: ReadTable, score: Score): Found | null {
  let best: Found | null = null;
  for (const column of table.columns) {
    const value = score(column);
    if (value > (best?.score ?? 0))
      best = { ref: { table: table.alias, column: column.name }, score: round(value) };
  }
  return best;
}

const round = (value: number) => Math.round(Math.min(1, value) * 100) / 100;
/** The joins on the way to `used` tables, in order. */
function needed(joins: readonly Join[], used: ReadonlySet<string>): Join[] {
  const keep = new Set(used);
  for (const join of joins.toReversed()) if (keep.has(join.right.table)) keep.add(join.left.table);
  return joins.filter((join) => keep.has(join.right.table));
}
