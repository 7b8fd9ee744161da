/** Rows of the text protocol into a table writer: for each field a length (or 0xfb: null) and its text, in one packet. */
import type { TableWriter } from '#columnar/table-writer';
import { TerminalError } from '#core/errors';
import type { Reject } from '../connector.ts';
import { KeptRows } from '../kept-rows.ts';
import type { Misfit } from '../values.ts';
import { broken, NULL } from './packets.ts';
import type { Decode } from './values.ts';
import type { RowSink } from './wire.ts';

/** The rows of one extraction of `table` on their way to `writer`. `decoders` in the order of `writer.columns`. */
export class TableRows extends KeptRows implements RowSink {
  /** The server has told the columns of its answer: there was a result, and not just an OK. */
  told = false;
  private readonly table: string;
  private readonly decoders: readonly Decode[];

  constructor(
    table: string,
    writer: TableWriter,
    decoders: readonly Decode[],
    reject: (reject: Reject) => void,
  ) {
    super(writer, reject);
    this.table = table;
    this.decoders = decoders;
  }

  columns(names: readonly string[]): void {
    this.told = true;
    if (names.length !== this.decoders.length)
      throw broken(`a result of ${names.length} columns instead of ${this.decoders.length}`);
  }

  tooBig(limit: number): Error {
    return new TerminalError(
      'row-too-big',
      `A row of table ${this.table} is longer than ${limit / 1024 / 1024} MiB.`,
      { remedy: 'Leave the column with the large values out of this table.' },
    );
  }

  row(bytes: Buffer, start: number, end: number): void {
    const { decoders, writer } = this;
    const count = decoders.length;
    let at = start;
    let problem: Misfit | null = null;
    let column = 0;
    for (; column < count; column++) {
      if (at >= end) throw broken(`a row of ${column} fields instead of ${count}`);
      let length = bytes[at++]!;
      if (length === NULL) {
        writer.builders[column]!.appendNull();
        continue;
      }
      if (length > NULL) {
        if (length === 0xfc) {
          length = bytes[at]! | (bytes[at + 1]! << 8);
          at += 2;
        } else if (length === 0xfd) {
          length = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
          at += 3;
        } else {
          // Eight bytes, of which a row has no use for the upper four. 0xff is no length at all.
          const beyond = length !== 0xfe || at + 8 > end || bytes.readUInt32LE(at + 4) !== 0;
          if (beyond) throw broken('a length that is none');
          length = bytes.readUInt32LE(at);
          at += 8;
        }
      }
      const next = at + length;
      if (next > end) throw broken(`a field of ${length} bytes beyond its row`);
      problem = decoders[column]!(bytes, at, next);
      if (problem !== null && !this.mends(problem, column)) break;
      problem = null;
      at = next;
    }
    if (problem === null && at !== end) throw broken(`a row of more than ${count} fields`);
    this.endRow(problem, column);
  }
}
