/** The statement that reads rejected rows back: pure text. */
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
