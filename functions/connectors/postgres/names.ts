/** Identifiers and literals of PostgreSQL as SQL. */
import { escapeIdentifier, escapeLiteral } from 'pg';
import { parseRelationOf, type RelationName } from '../relation-names.ts';

/** The relation that a text like `public.orders` names; Terminal `table-not-found` where it names none. */
export const parseRelation = parseRelationOf('PostgreSQL', 'public.orders');

/** The relation in SQL, quoted. */
export function relationSql({ schema, name }: RelationName): string {
  return `${escapeIdentifier(schema)}.${escapeIdentifier(name)}`;
}

export { escapeIdentifier, escapeLiteral };
