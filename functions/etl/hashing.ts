/** Columns of personal data on their way: sources give values, files get hashes, and nothing else gets either. */
import { receivingWriter } from '#columnar/receiver';
import type { TableWriter } from '#columnar/table-writer';
import { hashingReceiver, ValueHashes } from '#columnar/value-hashes';
import type { Reject } from '#connectors/connector';
import type { Column } from '#core/column';
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

/**
 * A rejected row of a table with columns of personal data: where it is and why, and none of its values. A line that is cut
 * at the wrong place holds them in other columns, too.
 */
export function withoutValues({ line, column, reason }: Reject): Reject {
  const place = [line === null ? [] : `line ${line}`, column === null ? [] : `column "${column}"`]
    .flat()
    .join(', ');
  const message = `${place === '' ? 'A row' : place}: ${reason}. Values of this table are not shown, for it has hashed columns.`;
  return { line, column, reason, value: null, message };
}
