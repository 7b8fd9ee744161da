/** Names of database tables as one text (`public.orders`): the same for every kind that has schemas. */
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

/**
 * The inverse of `formatRelation`; Terminal `table-not-found` for text that it cannot have made. `product` and `example`
 * are words of the message.
 */
export function parseRelationOf(product: string, example: string): (text: string) => RelationName {
  return (text) => {
    const part = '("(?:[^"]|"")+"|[^."]+)';
    const match = new RegExp(`^${part}\\.${part}$`, 's').exec(text);
    const [schema, name] = [match?.[1], match?.[2]].map((each) =>
      each?.startsWith('"') ? each.slice(1, -1).replaceAll('""', '"') : each,
    );
    if (schema === undefined || name === undefined)
      throw new TerminalError('table-not-found', `"${text}" is not the name of a ${product} table.`, {
        remedy: `Write it as schema.table, for example ${example}.`,
      });
    return { schema, name };
  };
}
