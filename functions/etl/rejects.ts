/** Rows left out of a unit, on their way to the `_rejects` table: a Parquet file like the rows themselves. */
import type { ObjectWriter, Files } from '#cloud/storage';
import { type ColumnBuilder, makeTableWriter, type TableWriter } from '#columnar/table-writer';
import type { Reject } from '#connectors/connector';
import type { Column } from '#core/column';
import { REJECT_FIELDS } from './publish-sql.ts';

/** Rejects kept of one unit, as examples; all are counted. */
const KEPT = 10_000;

const COLUMNS: readonly Column[] = REJECT_FIELDS.map(({ name, type }) => ({
  name,
  type,
  nullable: true,
  sourceType: 'reject',
}));

/** Takes a unit's rejects. */
export interface RejectSink {
  take(reject: Reject): void;
  /** Counts by reason, of all. */
  readonly counts: Readonly<Record<string, number>>;
  /** Writes the file; its address, or null where nothing was rejected. */
  close(): Promise<string | null>;
}

/** A sink that writes to `uri` once it is closed. Memory: at most KEPT short rows. */
export function makeRejectSink(
  files: Pick<Files, 'openWriter'>,
  uri: string,
  about: { readonly run: string; readonly destination: string },
  clock: () => number,
): RejectSink {
  const counts: Record<string, number> = {};
  const chunks: Uint8Array[] = [];
  let writer: TableWriter | null = null;
  let kept = 0;
  return {
    counts,
    take(reject) {
      counts[reject.reason] = (counts[reject.reason] ?? 0) + 1;
      if (kept++ >= KEPT) return;
      writer ??= makeTableWriter(
        COLUMNS,
        { write: async (chunk) => void chunks.push(chunk) },
        { pageRows: 1000 },
      );
      appendReject(writer, reject, about, clock());
    },
    async close() {
      if (writer === null) return null;
      await writer.close();
      const object: ObjectWriter = files.openWriter(uri, 'application/vnd.apache.parquet', {
        temporary: true,
      });
      for (const chunk of chunks) await object.write(chunk);
      await object.close();
      return uri;
    },
  };
}

function appendReject(
  writer: TableWriter,
  reject: Reject,
  about: { readonly run: string; readonly destination: string },
  at: number,
): void {
  const values: readonly (string | number | null)[] = [
    about.run,
    about.destination,
    reject.line,
    reject.column,
    reject.reason,
    reject.value,
    reject.message,
    at * 1000,
  ];
  values.forEach((value, index) => appendValue(writer.builders[index], value));
  writer.endRow();
}

function appendValue(builder: ColumnBuilder | undefined, value: string | number | null): void {
  if (builder === undefined) return;
  if (value === null) builder.appendNull();
  else if (typeof value === 'number' && builder.kind === 'integer') builder.appendNumber(value);
  else if (builder.kind === 'bytes') builder.appendText(String(value));
  else throw new RangeError(`reject column of kind ${builder.kind}`);
}
