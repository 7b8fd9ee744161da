/** What the statements of a job are understood against: its data sets, where it runs, and who runs it. */
import { mayRead } from './accounts.ts';
import type { ScriptInput } from './run-script.ts';
import { parseQuery } from './sql/query.ts';
import type { Env, TableInfo } from './sql/scope.ts';
import { SqlError } from './sql/sql-error.ts';
import type { Position } from './sql/sql-error.ts';

/** The surroundings of one statement; `used` is written to while it is read. */
export function makeEnv(input: ScriptInput, used: Env['used']): Env {
  const { catalog, defaultDataset } = input;
  const table = (path: string, at: Position): TableInfo => {
    const info = catalog.resolve(path, defaultDataset, at);
    const name = `${info.project}:${info.dataset}`;
    if (!mayRead(catalog, input.account, info.dataset))
      throw new SqlError(
        `Access Denied: Table ${name}.${info.table}: User does not have permission to query table ${name}.${info.table}, or perhaps it does not exist.`,
        at,
        'accessDenied',
      );
    const { location } = catalog.dataset(info.dataset);
    if (input.location !== null && input.location.toLowerCase() !== location.toLowerCase())
      throw new SqlError(
        `Not found: Dataset ${name} was not found in location ${input.location}`,
        at,
        'notFound',
      );
    return info;
  };
  return {
    table,
    tableAt(path, moment, at) {
      const info = table(path, at);
      return catalog.history.at(catalog.need(info.dataset, info.table), info, moment, at);
    },
    params: input.params,
    positional: input.positional,
    used,
    query: parseQuery,
  };
}
