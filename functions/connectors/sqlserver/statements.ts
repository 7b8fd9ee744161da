/** Statements over one connection, one at a time: questions with a small answer, and orders without one. */
import { Request, TYPES } from 'tedious';
import type { GuardedConnection } from './guarded-connection.ts';

/** How long an answer of the catalogue may take. The server may be gone silently. */
export const ANSWER_MS = 120_000;
/** Without an index on the cursor the whole table is looked through. */
export const SCAN_MS = 30 * 60 * 1000;
/** More than any catalogue has tables or columns: beyond it the server is not what it says. */
const MAX_ROWS = 1_000_000;
/** The same in bytes: rows may be of any size. */
const MAX_BYTES = 64 * 1024 * 1024;

/** Values of a statement by name, all as text: the statement converts them. */
export type Parameters = Readonly<Record<string, string | null>>;

/** A column of a row, as the driver gives it. */
export interface DriverColumn {
  readonly value: unknown;
  readonly metadata: { readonly colName: string };
}

/** The rows that `sql` answers, by the names of their columns; all of them are held, so there is an end to their size. */
export async function ask(
  connection: GuardedConnection,
  sql: string,
  parameters: Parameters = {},
  limitMs = ANSWER_MS,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const rows: Record<string, unknown>[] = [];
  connection.answerLimit = MAX_BYTES;
  const asking = answered(connection, limitMs, (end, giveUp) => {
    const request = makeRequest(sql, parameters, end);
    request.on('row', (columns: readonly DriverColumn[]) => {
      connection.rowTaken();
      rows.push(Object.fromEntries(columns.map(({ metadata, value }) => [metadata.colName, value])));
      if (rows.length > MAX_ROWS) giveUp(new Error(`it sent more than ${MAX_ROWS} rows about its catalogue`));
    });
    connection.execSql(request);
  });
  await asking.finally(() => {
    connection.answerLimit = Infinity;
  });
  return rows;
}

/** Runs statements that belong to the session: as a batch, because what sp_executesql sets ends with it. */
export async function tell(connection: GuardedConnection, batch: string): Promise<void> {
  await answered(connection, ANSWER_MS, (end) => {
    connection.execSqlBatch(makeRequest(batch, {}, end));
  });
}

/** Resolves when `start`'s statement has ended; after `limitMs`, or where it gives up, the connection is closed. */
async function answered(
  connection: GuardedConnection,
  limitMs: number,
  start: (end: (error: Error | null) => void, giveUp: (error: Error) => void) => void,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      const giveUp = (error: Error): void => {
        reject(error);
        connection.close();
      };
      timer = setTimeout(() => giveUp(new Error(`no answer within ${limitMs / 1000} seconds`)), limitMs);
      start((error) => (error === null ? resolve() : reject(error)), giveUp);
    });
  } finally {
    clearTimeout(timer);
  }
}

/** A request of `sql`; `end` is called once, when all of the answer was read or nothing more will come. */
export function makeRequest(
  sql: string,
  parameters: Parameters,
  end: (error: Error | null) => void,
): Request {
  const request = new Request(sql, (error) => end(error ?? null));
  for (const [name, value] of Object.entries(parameters)) request.addParameter(name, TYPES.NVarChar, value);
  return request;
}

/** The server's number of an error; null where it is none of the server's. */
export function numberOf(error: unknown): number | null {
  return error instanceof Error && 'number' in error && typeof error.number === 'number'
    ? error.number
    : null;
}
