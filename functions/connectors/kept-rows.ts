/** What becomes of decoded rows: kept by the writer, or left out and told, and both counted. The same for every database. */
import type { TableWriter } from '#columnar/table-writer';
import type { Reject } from './connector.ts';
import type { Misfit } from './values.ts';

/** The rows of one extraction. */
export class KeptRows {
  /** Rows written so far. */
  rows = 0;
  /** Rows left out so far. */
  rejected = 0;
  protected readonly writer: TableWriter;
  private readonly reject: (reject: Reject) => void;

  constructor(writer: TableWriter, reject: (reject: Reject) => void) {
    this.writer = writer;
    this.reject = reject;
  }

  get full(): boolean {
    return this.writer.full;
  }

  drain(): Promise<void> {
    return this.writer.drain();
  }

  /** Whether the writer takes something else in place of the value that did not fit, so that its row goes on. */
  protected mends(problem: Misfit, index: number): boolean {
    return this.writer.mend?.(index, problem) ?? false;
  }

  /** Ends the row that was appended; `problem` (of the column at `index`) leaves it out. Throws what the callback throws. */
  protected endRow(problem: Misfit | null, index: number): void {
    if (problem === null) {
      this.writer.endRow();
      this.rows++;
      return;
    }
    this.writer.abandonRow();
    this.rejected++;
    const { reason, value, message } = problem;
    this.reject({ line: null, column: this.writer.columns[index]?.name ?? null, reason, value, message });
  }
}
