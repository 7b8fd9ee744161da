/** Identifiers of SQL Server as SQL. Values never go into a statement as text: they are its parameters. */
import { parseRelationOf, type RelationName } from '../relation-names.ts';

/** The relation that a text like `dbo.orders` names; Terminal `table-not-found` where it names none. */
export const parseRelation = parseRelationOf('SQL Server', 'dbo.orders');

/** `name` in brackets. */
export function bracket(name: string): string {
  return `[${name.replaceAll(']', ']]')}]`;
}

/** The relation in SQL, quoted. */
export function relationSql({ schema, name }: RelationName): string {
  return `${bracket(schema)}.${bracket(name)}`;
}
