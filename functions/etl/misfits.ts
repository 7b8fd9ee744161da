/** Values that their columns cannot hold, in the columns where that costs no row: null or text in their place, and counted. */
import { MAX_VALUE_BYTES } from '#columnar/bytes-column';
import { receivingBuilder } from '#columnar/receiver';
import type { ColumnBuilder, TableWriter } from '#columnar/table-writer';
import { textReceiver } from '#columnar/value-text';
import type { Column } from '#core/column';
import type { MisfitColumn, MisfitForm } from '#core/misfit-policy';

/** What is told of these is no value: there is no text of it. */
const WITHOUT_TEXT: readonly string[] = ['value-too-big', 'invalid-utf8', 'invalid-utf16'];

function isText(reason: string, text: string | null): text is string {
  return text !== null && !WITHOUT_TEXT.includes(reason) && Buffer.byteLength(text) <= MAX_VALUE_BYTES;
}

/** A writer as a source fills it, and what it took in place of misfits. */
export interface LenientWriter {
  readonly writer: TableWriter;
  /** Values that were replaced in rows that were kept, by reason. */
  readonly counts: Readonly<Record<string, number>>;
}

/**
 * `writer` as a source fills it: its columns have the source's types (`columns`, in the same order). Those whose misfits
 * are to be text have a builder of bytes in `writer`.
 */
export function lenientWriter(
  writer: TableWriter,
  columns: readonly Column[],
  misfits: readonly MisfitColumn[],
): LenientWriter {
  const forms = new Map(misfits.map(({ column, as }) => [column, as]));
  const counts: Record<string, number> = {};
  /** Of the row that is not ended yet. */
  let pending: string[] = [];
  const form = columns.map(({ name }): MisfitForm | null => forms.get(name) ?? null);
  const shown = columns.map((column, index) => ({
    ...column,
    name: writer.columns[index]?.name ?? column.name,
  }));
  const builders = columns.map((column, index): ColumnBuilder => {
    const builder = writer.builders[index];
    if (builder === undefined) throw new RangeError(`a writer without a column for ${column.name}`);
    if (form[index] !== 'text') return builder;
    if (builder.kind !== 'bytes')
      throw new RangeError(`texts of ${column.name} given a builder of ${builder.kind}`);
    return receivingBuilder(column, textReceiver(column, builder));
  });
  return {
    counts,
    writer: {
      columns: shown,
      builders,
      get rows() {
        return writer.rows;
      },
      get bytes() {
        return writer.bytes;
      },
      get full() {
        return writer.full;
      },
      endRow() {
        writer.endRow();
        if (pending.length === 0) return;
        for (const reason of pending) counts[reason] = (counts[reason] ?? 0) + 1;
        pending = [];
      },
      abandonRow() {
        writer.abandonRow();
        pending = [];
      },
      mend(index, { reason, text }) {
        const as = form[index] ?? null;
        const builder = writer.builders[index];
        if (as === null || builder === undefined) return false;
        if (as === 'null') builder.appendNull();
        else if (builder.kind === 'bytes' && isText(reason, text)) builder.appendText(text);
        else return false;
        pending.push(reason);
        return true;
      },
      drain: () => writer.drain(),
      close: () => writer.close(),
    },
  };
}
