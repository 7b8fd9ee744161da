import { Cleaning, type ColumnRef, type ColumnRoles, type DatasetDefinition } from '#core/dataset';
import { TerminalError } from '#core/errors';
import { guessDataset, type DatasetGuess } from '#core/guess-dataset';
import type { SourceTable } from '#core/source';

/** Roles by the names the command line has for them. */
const ROLE_OF = {
  customer: 'customer',
  item: 'item',
  time: 'time',
  quantity: 'quantity',
  price: 'price',
  value: 'value',
  order: 'order',
  name: 'itemName',
  category: 'itemCategory',
  brand: 'itemBrand',
  'customer-name': 'customerName',
  segment: 'customerSegment',
  'superseded-by': 'supersededBy',
} as const satisfies Readonly<Record<string, keyof ColumnRoles>>;

type Role = keyof ColumnRoles;
/** Column (or table.column) the user named for a role. */
export type ColumnChoices = Readonly<Partial<Record<Role, string>>>;

/** A table as discovery describes it. */
export type KnownTable = Pick<SourceTable, 'id' | 'name' | 'columns' | 'key' | 'destination'> &
  Partial<Pick<SourceTable, 'notes'>>;

/**
 * `customer=CustomerID,item=StockCode` as choices; empty text is none.
 * @throws TerminalError `usage`, naming the part that is wrong.
 */
export function parseColumns(text: string): ColumnChoices {
  const choices: Partial<Record<Role, string>> = {};
  for (const part of text.split(',').filter((each) => each.trim() !== '')) {
    const at = part.indexOf('=');
    const name = part.slice(0, Math.max(at, 0)).trim();
    const column = part.slice(at + 1).trim();
    if (!isRoleName(name) || column === '')
      throw usage(
        `--columns: "${part.trim()}" is not role=column.`,
        `Roles are ${Object.keys(ROLE_OF).join(', ')}; for example customer=CustomerID.`,
      );
    if (choices[ROLE_OF[name]] !== undefined)
      throw usage(`--columns names ${name} twice.`, 'Name each role once.');
    choices[ROLE_OF[name]] = column;
  }
  return choices;
}

function isRoleName(name: string): name is keyof typeof ROLE_OF {
  return Object.hasOwn(ROLE_OF, name);
}

/** The data set to define, and the tables it needs. */
export interface DatasetPlan {
  readonly definition: DatasetDefinition;
  /** Ids of the source tables it reads; the others need not be loaded. */
  readonly tables: readonly string[];
}

/**
 * The data set called `name` over `tables`: the columns the user chose, the rest guessed from names and types.
 * @throws TerminalError `columns`, when a chosen column is not there (naming those that are) or a needed one is missing.
 */
export function planDataset(
  name: string,
  tables: readonly KnownTable[],
  choices: ColumnChoices,
): DatasetPlan {
  const guess = guessDataset(
    name,
    tables.map((table) => ({ ...table, excluded: [], enabled: true })),
  );
  const aliases = aliasesOf(tables, guess);
  // One table needs no guess of where the lines are.
  const [only] = aliases.keys();
  const used =
    guess.tables.length > 0 ? guess.tables : aliases.size === 1 && only !== undefined ? [only] : [];
  const roles: Partial<ColumnRoles> = { ...guess.roles };
  for (const [role, column] of Object.entries(choices))
    Object.assign(roles, { [role]: resolve(column, used, aliases) });
  const { customer, item, time } = roles;
  if (customer === undefined || item === undefined || time === undefined) throw missing(roles, aliases);
  return {
    definition: {
      name,
      tables: used.map((alias) => ({ alias, destination: tableOf(alias, aliases).destination })),
      joins: [...guess.joins],
      roles: { ...roles, customer, item, time },
      cleaning: Cleaning.parse({}),
    },
    tables: used.map((alias) => tableOf(alias, aliases).id),
  };
}

/** The tables by the names the guess gave them. */
function aliasesOf(tables: readonly KnownTable[], guess: DatasetGuess): ReadonlyMap<string, KnownTable> {
  const byDestination = new Map(tables.map((table) => [table.destination, table]));
  return new Map(
    [...guess.destinations].flatMap(([alias, destination]) => {
      const table = byDestination.get(destination);
      return table === undefined ? [] : [[alias, table] as const];
    }),
  );
}

function tableOf(alias: string, aliases: ReadonlyMap<string, KnownTable>): KnownTable {
  const table = aliases.get(alias);
  if (table === undefined) throw new RangeError(`the guess names a table "${alias}" that was not given`);
  return table;
}

/** `column` or `table.column` among the tables in use, first by exact name, then whatever the case. */
function resolve(text: string, used: readonly string[], aliases: ReadonlyMap<string, KnownTable>): ColumnRef {
  const candidates = used.flatMap((alias) =>
    tableOf(alias, aliases).columns.flatMap(({ name }) => {
      const spelt = [name, `${alias}.${name}`, `${tableOf(alias, aliases).name}.${name}`];
      const exact = spelt.includes(text);
      const loose = spelt.some((each) => each.toLowerCase() === text.toLowerCase());
      return loose ? [{ exact, ref: { table: alias, column: name } }] : [];
    }),
  );
  const best = candidates.find(({ exact }) => exact) ?? candidates[0];
  if (best === undefined)
    throw new TerminalError('columns', `--columns names a column "${text}" that is not there.`, {
      remedy: `Columns by table: ${listColumns(used, aliases)}.`,
    });
  return best.ref;
}

function missing(roles: Partial<ColumnRoles>, aliases: ReadonlyMap<string, KnownTable>): TerminalError {
  const lacking = (['customer', 'item', 'time'] as const).filter((role) => roles[role] === undefined);
  return new TerminalError(
    'columns',
    `No column looks like the ${lacking.join(', nor like the ')} of an order line.`,
    {
      remedy: [
        `Name it: --columns ${lacking.map((role) => `${role}=…`).join(',')}.`,
        `Columns by table: ${listColumns([...aliases.keys()], aliases)}.`,
        ...[...aliases.values()].flatMap(({ notes }) => notes ?? []),
      ].join(' '),
    },
  );
}

function listColumns(used: readonly string[], aliases: ReadonlyMap<string, KnownTable>): string {
  return used
    .map(
      (alias) =>
        `${alias}: ${tableOf(alias, aliases)
          .columns.map(({ name }) => name)
          .join(', ')}`,
    )
    .join('; ');
}

function usage(message: string, remedy: string): TerminalError {
  return new TerminalError('usage', message, { remedy });
}
