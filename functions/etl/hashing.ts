/** Columns of personal data on their way: sources give values, files get hashes, and nothing else gets either. */
import { receivingWriter } from '#columnar/receiver';
import type { TableWriter } from '#columnar/table-writer';
import { hashingReceiver, ValueHashes } from '#columnar/value-hashes';
import type { Reject } from '#connectors/connector';
import type { Column } from '#core/column';
import { TerminalError, TransientError } from '#core/errors';
import type { HashedColumn } from '#core/hashed-column';

/**
 * `writer` as a source fills it: its columns have the source's types (`columns`, in the same order, under the source's
 * names), and what is given for a hashed one arrives hashed.
 */
export function hashingWriter(
  writer: TableWriter,
  columns: readonly Column[],
  hashed: readonly HashedColumn[],
  key: Uint8Array,
): TableWriter {
  const forms = new Map(hashed.map(({ column, form }) => [column, form]));
  return receivingWriter(writer, columns, (column) => {
    const form = forms.get(column.name);
    return form === undefined ? null : (taker) => hashingReceiver(column, form, new ValueHashes(key), taker);
  });
}

/** Why values are not shown. */
export const HASHES_HIDE = 'Values of this table are not shown, for it has hashed columns.';
const EXCLUDED_HIDE = 'Its text is not shown, for columns of this table are left out.';

/** What is kept and shown of the rejected rows of a table: a line as a whole has the columns that are left out in it. */
export function hidingRejects({
  values,
  lines,
}: {
  /** No value may be seen. */
  readonly values: boolean;
  /** Nor a text of a whole line. */
  readonly lines: boolean;
}): (reject: Reject) => Reject {
  if (values) return (reject) => withoutValues(reject, HASHES_HIDE);
  if (!lines) return (reject) => reject;
  return (reject) => (reject.column === null ? withoutValues(reject, EXCLUDED_HIDE) : reject);
}

/**
 * A rejected row of a table with columns of personal data: where it is and why, and none of its values. A line that is cut
 * at the wrong place holds them in other columns, too.
 */
function withoutValues({ line, column, reason }: Reject, why: string): Reject {
  const place = [line === null ? [] : `line ${line}`, column === null ? [] : `column "${column}"`]
    .flat()
    .join(', ');
  const message = `${place === '' ? 'A row' : place}: ${reason}. ${why}`;
  return { line, column, reason, value: null, message };
}

/** Codes of errors that say in a server's own words what it could not read: these may quote the value. */
const QUOTING: readonly string[] = ['source-error', 'query-refused'];

/** `error` of reading `table`, which has columns of personal data, without a server's own words. */
export function withoutQuotes(error: unknown, table: string): unknown {
  if (!(error instanceof TerminalError || error instanceof TransientError)) return error;
  if (!QUOTING.includes(error.code)) return error;
  const message = `"${table}" could not be read. What its source said is not shown, for it may quote values, and the table has hashed columns.`;
  return error instanceof TransientError
    ? new TransientError(error.code, message, { remedy: SERVER_LOG })
    : new TerminalError(error.code, message, { remedy: SERVER_LOG });
}

const SERVER_LOG = 'Look the message up in the log of the source’s server.';
