/** Values that their columns cannot hold, in the columns where that costs no row: null or text in their place, and counted. */
import { MAX_VALUE_BYTES } from '#columnar/bytes-column';
import { receivingWriter } from '#columnar/receiver';
import type { TableWriter } from '#columnar/table-writer';
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
  const taking = receivingWriter(
    writer,
    columns,
    (column, index) => (form[index] === 'text' ? (taker) => textReceiver(column, taker) : null),
    {
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
    },
  );
  return { counts, writer: taking };
}
