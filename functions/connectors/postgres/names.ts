/** Names of PostgreSQL tables as one text (`public.orders`), and identifiers and literals as SQL. */
import { escapeIdentifier, escapeLiteral } from 'pg';
import { TerminalError } from '#core/errors';

/** A relation by its two names, unquoted. */
export interface RelationName {
  readonly schema: string;
  readonly name: string;
}

/** `schema.name`, each part in double quotes where it holds a dot or a quote. */
export function formatRelation({ schema, name }: RelationName): string {
  return [schema, name]
    .map((part) => (/[."]/.test(part) ? `"${part.replaceAll('"', '""')}"` : part))
    .join('.');
}

/** The inverse of `formatRelation`; Terminal `table-not-found` for text that it cannot have made. */
export function parseRelation(text: string): RelationName {
  const part = '("(?:[^"]|"")+"|[^."]+)';
  const match = new RegExp(`^${part}\\.${part}$`, 's').exec(text);
  const [schema, name] = [match?.[1], match?.[2]].map((each) =>
    each?.startsWith('"') ? each.slice(1, -1).replaceAll('""', '"') : each,
  );
  if (schema === undefined || name === undefined)
    throw new TerminalError('table-not-found', `"${text}" is not the name of a PostgreSQL table.`, {
      remedy: 'Write it as schema.table, for example public.orders.',
    });
  return { schema, name };
}

/** The relation in SQL, quoted. */
export function relationSql({ schema, name }: RelationName): string {
  return `${escapeIdentifier(schema)}.${escapeIdentifier(name)}`;
}

export { escapeIdentifier, escapeLiteral };
