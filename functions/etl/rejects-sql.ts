/** The statements that read rejected rows back, and take the values from them: pure text. */
import type { TableRef } from '#cloud/bigquery';
import { REJECTS } from '#core/warehouse-name';
import { tableName } from './publish-sql.ts';

/**
 * A page of the rejected rows of `@run` and the raw table `@destination` (and of `@reason`), `@most` of them after the first
 * `@from`; always in the same order.
 */
export function rejectsQuery(dataset: string, byReason: boolean): string {
  return `SELECT line, column_name AS \`column\`, reason, value, message
FROM ${tableName({ dataset, table: REJECTS })}
WHERE run = @run AND table_name = @destination${byReason ? ' AND reason = @reason' : ''}
ORDER BY reason, line, column_name, value
LIMIT @most OFFSET @from`;
}

/** Rows of the raw tables `@tables` that show what was rejected: not those that say `@hidden` at the end of their message. */
const SHOWN = `table_name IN UNNEST(@tables)
  AND (value IS NOT NULL OR message IS NULL OR NOT ENDS_WITH(message, @hidden))`;

/** Whether any rejected row of `@tables` shows a value: a row, or none. */
export function shownRejectsQuery(rejects: TableRef): string {
  return `SELECT 1 AS shown FROM ${tableName(rejects)}
WHERE ${SHOWN}
LIMIT 1`;
}

/** Takes the values, and messages that may quote them, from the rejected rows of `@tables`. */
export function hideRejectsStatement(rejects: TableRef): string {
  return `UPDATE ${tableName(rejects)} SET value = NULL, message = @hidden
WHERE ${SHOWN};`;
}
