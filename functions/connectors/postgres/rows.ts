/**
 * Rows of a binary COPY into a table writer. The stream: an 11-byte signature, flags and a header extension, then for
 * each row an int16 field count and for each field an int32 length (−1: null) and the bytes; at the end a count of −1.
 */
import type { TableWriter } from '#columnar/table-writer';
import { TransientError } from '#core/errors';
import type { Reject } from '../connector.ts';
import { KeptRows } from '../kept-rows.ts';
import type { Misfit } from '../values.ts';
import type { FrameSink } from './copy-reader.ts';
import type { Decode } from './values.ts';

const SIGNATURE_BYTES = 11;

/** Counts of an extraction so far. */
export interface RowCounts {
  readonly rows: number;
  readonly rejected: number;
}

/** A sink for COPY's messages; PostgreSQL sends whole rows in each. `decoders` in the order of `writer.columns`. */
export function makeRowSink(
  writer: TableWriter,
  decoders: readonly Decode[],
  reject: (reject: Reject) => void,
): FrameSink & RowCounts {
  return new RowSink(writer, decoders, reject);
}

class RowSink extends KeptRows implements FrameSink, RowCounts {
  private readonly decoders: readonly Decode[];
  private started = false;
  private bytes: Uint8Array = new Uint8Array();
  private view = viewOf(this.bytes);

  constructor(writer: TableWriter, decoders: readonly Decode[], reject: (reject: Reject) => void) {
    super(writer, reject);
    this.decoders = decoders;
  }

  frame(bytes: Uint8Array, start: number, end: number): void {
    // A buffer holds many messages.
    if (bytes !== this.bytes) {
      this.bytes = bytes;
      this.view = viewOf(bytes);
    }
    const { view } = this;
    let at = start;
    if (!this.started) {
      this.started = true;
      at += SIGNATURE_BYTES + 8 + view.getInt32(at + SIGNATURE_BYTES + 4);
    }
    while (at < end) {
      const fields = view.getInt16(at);
      if (fields === -1) return;
      at = this.row(bytes, at + 2, end, fields);
    }
  }

  private row(bytes: Uint8Array, start: number, end: number, fields: number): number {
    const { decoders, view, writer } = this;
    if (fields !== decoders.length) throw broken(`a row of ${fields} fields instead of ${decoders.length}`);
    let at = start;
    let problem: Misfit | null = null;
    let column = 0;
    for (; column < fields; column++) {
      const length = view.getInt32(at);
      at += 4;
      if (at + length > end) throw broken(`a field of ${length} bytes beyond its message`);
      if (length < 0) {
        writer.builders[column]!.appendNull();
        continue;
      }
      problem = decoders[column]!(bytes, view, at, length);
      at += length;
      if (problem === null) continue;
      if (!this.mends(problem, column)) break;
      problem = null;
    }
    this.endRow(problem, column);
    for (column++; column < fields; column++) at += 4 + Math.max(0, view.getInt32(at));
    return at;
  }
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

function broken(what: string): TransientError {
  return new TransientError('source-protocol', `PostgreSQL sent ${what}.`, {
    remedy: 'Connect to the server directly, not through a proxy that changes its answers.',
  });
}
