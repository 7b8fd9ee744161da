import { Cleaning, type ColumnRef, type Dataset, type DatasetDefinition } from '#core/dataset';
import { aliasOf, type DatasetGuess, guessDataset } from '#core/guess-dataset';
import type { Role } from '#core/guess-roles';
import type { SourceTable } from '#core/source';
import { inWarehouse } from '#core/warehouse-name';

/** The roles in the order a person thinks of them. */
export const ROLES: readonly { role: Role; title: string; hint: string; required: boolean }[] = [
  { role: 'customer', title: 'Customer', hint: 'Who bought', required: true },
  { role: 'item', title: 'Item', hint: 'What was bought', required: true },
  { role: 'time', title: 'Time', hint: 'When', required: true },
  { role: 'order', title: 'Order', hint: 'Lines with the same order belong together', required: false },
  { role: 'quantity', title: 'Quantity', hint: 'How many', required: false },
  { role: 'price', title: 'Price', hint: 'Per piece', required: false },
  { role: 'value', title: 'Value', hint: 'Of the line; else quantity × price', required: false },
  { role: 'customerName', title: 'Customer’s name', hint: 'Shown beside recommendations', required: false },
  { role: 'customerSegment', title: 'Customer’s segment', hint: 'Its trade, size or group', required: false },
  { role: 'itemName', title: 'Item’s name', hint: 'Shown in recommendations', required: false },
  { role: 'itemCategory', title: 'Item’s category', hint: 'The group it belongs to', required: false },
  { role: 'itemBrand', title: 'Item’s brand', hint: 'Who makes it', required: false },
  { role: 'supersededBy', title: 'Superseded by', hint: 'The item that replaced this one', required: false },
];

/** A data set while it is edited: roles as `alias.column`, or '' for none. */
export interface Draft {
  readonly name: string;
  readonly tables: DatasetDefinition['tables'];
  readonly joins: DatasetDefinition['joins'];
  readonly roles: Readonly<Partial<Record<Role, string>>>;
  readonly cleaning: Cleaning;
  /** Columns that can be chosen: those of the joined tables. */
  readonly columns: readonly ColumnRef[];
}

/** A draft of what was guessed over `tables`. */
export function draftFrom(guess: DatasetGuess, tables: readonly SourceTable[]): Draft {
  const used = guess.tables.map((alias) => ({ alias, destination: guess.destinations.get(alias) ?? alias }));
  return {
    name: 'Order lines',
    tables: used,
    joins: [...guess.joins],
    roles: written(guess.roles),
    cleaning: Cleaning.parse({}),
    columns: columnsOf(used, tables),
  };
}

/** A draft of what was saved. */
export function draftOf(saved: Dataset, tables: readonly SourceTable[]): Draft {
  const { name, joins, roles, cleaning } = saved;
  return {
    name,
    tables: saved.tables,
    joins,
    roles: written(roles),
    cleaning,
    columns: columnsOf(saved.tables, tables),
  };
}

/** What the API takes; null while a required role has no column. */
export function definitionFrom({
  name,
  tables,
  joins,
  roles,
  cleaning,
  columns,
}: Draft): DatasetDefinition | null {
  const chosen: Partial<Record<Role, ColumnRef>> = {};
  for (const { role } of ROLES) {
    const ref = columns.find((column) => nameOf(column) === roles[role]);
    if (ref !== undefined) chosen[role] = ref;
  }
  const { customer, item, time } = chosen;
  return customer === undefined || item === undefined || time === undefined
    ? null
    : { name, tables, joins, roles: { ...chosen, customer, item, time }, cleaning };
}

/** `alias.column`. */
export const nameOf = (ref: ColumnRef) => `${ref.table}.${ref.column}`;

function written(
  roles: Readonly<Partial<Record<Role, ColumnRef | undefined>>>,
): Partial<Record<Role, string>> {
  return Object.fromEntries(
    ROLES.flatMap(({ role }) => {
      const ref = roles[role];
      return ref === undefined ? [] : [[role, nameOf(ref)]];
    }),
  );
}

/** Columns under the names that they have in the raw tables. */
function columnsOf(used: DatasetDefinition['tables'], tables: readonly SourceTable[]): ColumnRef[] {
  return used.flatMap(({ alias, destination }) => {
    const table = tables.find((each) => each.destination === destination);
    const loaded = inWarehouse(table?.columns ?? [], table?.excluded ?? []);
    return loaded.map(({ name }) => ({ table: alias, column: name }));
  });
}

/** A draft with `destination` as the order lines and nothing joined yet, its roles guessed; name and cleaning stay. */
export function startingWith(draft: Draft, destination: string, tables: readonly SourceTable[]): Draft {
  const first = tables.filter((table) => table.destination === destination);
  const { roles } = guessDataset(
    draft.name,
    first.map((table) => ({ ...table, enabled: true })),
  );
  const used = [{ alias: aliasFor(destination, [], tables), destination }];
  return over({ ...draft, joins: [], roles: written(roles) }, used, tables);
}

/** The draft with one more table, joined by a column that both sides call the same where there is one. */
export function withTable(draft: Draft, destination: string, tables: readonly SourceTable[]): Draft {
  const added = { alias: aliasFor(destination, draft.tables, tables), destination };
  const theirs = columnsOf([added], tables);
  const same = draft.columns.find((left) => theirs.some((right) => sameName(left, right)));
  const left = same ?? draft.columns[0];
  const right = theirs.find((column) => same !== undefined && sameName(same, column)) ?? theirs[0];
  if (left === undefined || right === undefined) return draft;
  return over({ ...draft, joins: [...draft.joins, { left, right }] }, [...draft.tables, added], tables);
}

/** The draft without the joined table `alias`, and without what was joined by way of it. */
export function withoutTable(draft: Draft, alias: string, tables: readonly SourceTable[]): Draft {
  const gone = new Set([alias]);
  // Joins stand in order: whatever hangs on a table comes after it.
  for (const { left, right } of draft.joins) if (gone.has(left.table)) gone.add(right.table);
  const joins = draft.joins.filter(({ right }) => !gone.has(right.table));
  return over(
    { ...draft, joins },
    draft.tables.filter((table) => !gone.has(table.alias)),
    tables,
  );
}

/** The draft with one side of the join of `alias` moved to another column. */
export function withJoin(draft: Draft, alias: string, side: 'left' | 'right', name: string): Draft {
  const column = draft.columns.find((each) => nameOf(each) === name);
  if (column === undefined) return draft;
  const joins = draft.joins.map((join) => (join.right.table === alias ? { ...join, [side]: column } : join));
  return { ...draft, joins };
}

/** The columns that the join of `alias` may start from: those of tables joined before it. */
export function columnsBefore(draft: Draft, alias: string): ColumnRef[] {
  const order = [draft.tables[0]?.alias, ...draft.joins.map(({ right }) => right.table)];
  const before = new Set(order.slice(0, order.indexOf(alias)));
  return draft.columns.filter(({ table }) => before.has(table));
}

const sameName = (a: ColumnRef, b: ColumnRef) => a.column.toLowerCase() === b.column.toLowerCase();

function over(draft: Draft, used: DatasetDefinition['tables'], tables: readonly SourceTable[]): Draft {
  const columns = columnsOf(used, tables);
  const names = new Set(columns.map(nameOf));
  const roles = Object.fromEntries(Object.entries(draft.roles).filter(([, name]) => names.has(name)));
  return { ...draft, tables: used, columns, roles };
}

function aliasFor(
  destination: string,
  taken: DatasetDefinition['tables'],
  tables: readonly SourceTable[],
): string {
  const alias = aliasOf(tables.find((each) => each.destination === destination)?.name ?? destination);
  const isFree = (name: string) => taken.every((table) => table.alias !== name);
  let free = alias;
  for (let n = 2; !isFree(free); n++) free = `${alias.slice(0, 26)}_${n}`;
  return free;
}
