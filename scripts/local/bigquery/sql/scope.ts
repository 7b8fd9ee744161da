/** What names mean at a place in a statement. */
import type { Cursor } from './cursor.ts';
import { SqlError } from './sql-error.ts';
import type { Position } from './sql-error.ts';
import { quoteName } from './types.ts';
import type { Field, SqlType } from './types.ts';

/** A translated expression: DuckDB's text, fully bracketed, and its GoogleSQL type. */
export interface Expr {
  readonly sql: string;
  readonly type: SqlType;
  /** Of a string literal or parameter: its text. Such a value takes the type its place wants (DATE, TIMESTAMP, …). */
  readonly text?: string;
  /** Of a literal or parameter of any type. */
  readonly constant?: boolean;
}

/** One output column of a query. */
export interface OutputColumn {
  readonly name: string;
  readonly type: SqlType;
}

/** A translated query. */
export interface Query {
  readonly sql: string;
  readonly columns: readonly OutputColumn[];
}

/** Something in FROM. `sql` columns are addressed as `"alias"."column"`. */
export interface Relation {
  readonly alias: string;
  readonly columns: readonly (OutputColumn & { readonly sql?: string })[];
  /** The alias is itself a value: the element of `UNNEST(array) AS alias`. */
  readonly value?: boolean;
}

/** A table the catalog knows. */
export interface TableInfo {
  readonly project: string;
  readonly dataset: string;
  readonly table: string;
  readonly fields: readonly Field[];
  /** DuckDB text to read instead of the table: the INFORMATION_SCHEMA views. */
  readonly sql?: string;
}

/** What a statement is translated against. */
export interface Env {
  /** Finds `project.dataset.table`; throws BigQuery's notFound where it does not exist. */
  readonly table: (path: string, at: Position) => TableInfo;
  /** The same as it was at `moment`, in milliseconds since 1970. */
  readonly tableAt: (path: string, moment: number, at: Position) => TableInfo;
  readonly params: ReadonlyMap<string, Expr>;
  /** Values for `?`, taken in order. */
  readonly positional: readonly Expr[];
  /** Counts what was taken; one object per statement. */
  readonly used: { positional: number; tables: Set<string>; aliases: number };
  /** Parses a query expression at the cursor (given from outside to keep the files free of cycles). */
  readonly query: (cursor: Cursor, env: Env, outer: Scope) => Query;
}

export interface Scope {
  readonly parent: Scope | null;
  readonly relations: Relation[];
  /** Columns joined by USING: they have one value for both sides and are addressed without a relation. */
  readonly merged: Map<string, string>;
  readonly ctes: ReadonlyMap<string, Query>;
  /** Names given in the SELECT list, where they may be used (GROUP BY, HAVING, QUALIFY, ORDER BY). */
  aliases: ReadonlyMap<string, Expr> | null;
}

export function emptyScope(parent: Scope | null): Scope {
  return { parent, relations: [], merged: new Map(), ctes: parent?.ctes ?? new Map(), aliases: null };
}

export function columnExpr(relation: Relation, column: Relation['columns'][number]): Expr {
  return { sql: column.sql ?? `${quoteName(relation.alias)}.${quoteName(column.name)}`, type: column.type };
}

/** The relation as one struct value: what its alias means as an expression. */
export function rowExpr(relation: Relation): Expr {
  const single = relation.columns[0];
  if (relation.value === true && single !== undefined) return columnExpr(relation, single);
  const members = relation.columns.map((c) => `${quoteName(c.name)} := ${columnExpr(relation, c).sql}`);
  return {
    sql: `struct_pack(${members.join(', ')})`,
    type: { base: 'STRUCT', fields: relation.columns.map(({ name, type }) => ({ name, type })) },
  };
}

const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();

/**
 * What a first name in an expression means; `null` where nothing here or outside has it. A table's alias hides a column of the
 * same name.
 */
export function resolve(
  scope: Scope,
  name: string,
  at: Position,
): { readonly expr: Expr } | { readonly relation: Relation } | null {
  const alias = scope.aliases?.get(name.toLowerCase());
  if (alias !== undefined) return { expr: alias };
  const relation = scope.relations.find((r) => same(r.alias, name));
  if (relation !== undefined) return { relation };
  const merged = scope.merged.get(name.toLowerCase());
  const found = scope.relations.flatMap((candidate) =>
    candidate.value === true
      ? []
      : candidate.columns.filter((c) => same(c.name, name)).map((column) => columnExpr(candidate, column)),
  );
  const first = found[0];
  if (first === undefined) return scope.parent === null ? null : resolve(scope.parent, name, at);
  if (merged !== undefined) return { expr: { sql: merged, type: first.type } };
  if (found.length > 1) throw new SqlError(`Column name ${name} is ambiguous`, at);
  return { expr: first };
}
