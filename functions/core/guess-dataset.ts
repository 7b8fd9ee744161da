import { Cleaning, type DatasetDefinition } from './dataset.ts';
import { guessRoles, type RoleGuess } from './guess-roles.ts';
import { asChosen } from './misfit-policy.ts';
import type { SourceTable } from './source.ts';
import { loadedColumns } from './warehouse-name.ts';

/** The guess with the definition it makes; `definition` is null where a required role is missing. */
export interface DatasetGuess extends RoleGuess {
  readonly definition: DatasetDefinition | null;
  /** Alias → table of the raw dataset, for every table given. */
  readonly destinations: ReadonlyMap<string, string>;
}

/** A data set called `name` over a source's `tables` (those enabled), with columns guessed and cleaning as usual. */
export function guessDataset(
  name: string,
  tables: readonly (Hashes &
    Pick<SourceTable, 'name' | 'columns' | 'excluded' | 'key' | 'destination' | 'enabled'>)[],
): DatasetGuess {
  const destinations = new Map<string, string>();
  const aliased = tables
    .filter((table) => table.enabled)
    .map((table) => {
      const alias = freeAlias(aliasOf(table.name), destinations);
      destinations.set(alias, table.destination);
      return { alias, ...asLoaded(table) };
    });
  const guess = guessRoles(aliased);
  const { customer, item, time } = guess.roles;
  const definition =
    customer === undefined || item === undefined || time === undefined
      ? null
      : {
          name,
          tables: guess.tables.map((alias) => ({ alias, destination: destinations.get(alias) ?? alias })),
          joins: [...guess.joins],
          roles: { ...guess.roles, customer, item, time },
          cleaning: Cleaning.parse({}),
        };
  return { ...guess, definition, destinations };
}

/** Columns that arrive hashed or as text, where there are any. */
type Hashes = Partial<Pick<SourceTable, 'hashed' | 'misfits'>>;

/** Columns and key under the names that they have in the raw table. */
function asLoaded(table: Pick<SourceTable, 'columns' | 'excluded' | 'key'> & Hashes) {
  const loaded = loadedColumns(
    asChosen(table.columns, { hashed: table.hashed ?? [], misfits: table.misfits ?? [] }),
    table.excluded,
  );
  const renamed = new Map(loaded.map(({ column, name }) => [column.name, name]));
  const columns = loaded.map(({ column, name }) => ({ ...column, name }));
  return { columns, key: table.key?.map((name) => renamed.get(name) ?? name) ?? null };
}

/** `public."Order Lines"` → `order_lines`, `orders.csv.gz` → `orders`: lower-case, at most 30 characters, a letter first. */
export function aliasOf(tableName: string): string {
  const last =
    tableName
      .replace(/(\.(csv|tsv|txt|gz))+$/i, '')
      .split(/[./]/)
      .at(-1) ?? '';
  const words = last
    .normalize('NFKD')
    .replace(/([\p{Ll}\d])(\p{Lu})/gu, '$1_$2')
    .toLowerCase()
    .replace(/ß/g, 'ss')
    .replace(/\p{M}/gu, '')
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^[^a-z]+|_+$/g, '');
  return (words === '' ? 'table' : words).slice(0, 30);
}

function freeAlias(alias: string, taken: ReadonlyMap<string, string>): string {
  if (!taken.has(alias)) return alias;
  for (let n = 2; ; n++) {
    const next = `${alias.slice(0, 26)}_${n}`;
    if (!taken.has(next)) return next;
  }
}
