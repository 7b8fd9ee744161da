import { Cleaning, type ColumnRef, type Dataset, type DatasetDefinition } from '#core/dataset';
import { aliasOf, type DatasetGuess } from '#core/guess-dataset';
import type { Role } from '#core/guess-roles';
import type { SourceTable } from '#core/source';

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
  { role: 'itemName', title: 'Item’s name', hint: 'Shown in recommendations', required: false },
  { role: 'itemCategory', title: 'Item’s category', hint: '', required: false },
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

function columnsOf(used: DatasetDefinition['tables'], tables: readonly SourceTable[]): ColumnRef[] {
  return used.flatMap(({ alias, destination }) => {
    const table = tables.find((each) => each.destination === destination || aliasOf(each.name) === alias);
    return (table?.columns ?? []).map((column) => ({ table: alias, column: column.name }));
  });
}
