/** Rows of one long answer into a table writer: no faster than it writes, and stopped by a cancel that the server hears. */
import { toError } from '#core/errors';
import type { ExtractRequest } from '../connector.ts';
import { KeptRows } from '../kept-rows.ts';
import type { Misfit } from '../values.ts';
import type { GuardedConnection } from './guarded-connection.ts';
import { type DriverColumn, makeRequest, type Parameters } from './statements.ts';
import type { Take } from './values.ts';

/** A server that sorts or filters may send nothing for minutes; one that sends nothing for longer is taken for gone. */
const IDLE_MS = 10 * 60 * 1000;

/** What gets the rows of an answer, in order. */
export interface RowSink {
  /** Rows written and left out so far. */
  readonly rows: number;
  readonly rejected: number;
  /** Takes a row; what it throws ends the reading. */
  row(columns: readonly DriverColumn[]): void;
  /** When true the answer rests until `drain` is done. */
  readonly full: boolean;
  drain(): Promise<void>;
}

/** A sink into `request.writer`; `takes` in the order of its columns. */
export function makeRowSink(request: ExtractRequest, takes: readonly Take[]): RowSink {
  return new WrittenRows(request, takes);
}

class WrittenRows extends KeptRows implements RowSink {
  private readonly takes: readonly Take[];
  private readonly request: ExtractRequest;

  constructor(request: ExtractRequest, takes: readonly Take[]) {
    super(request.writer, request.reject);
    this.takes = takes;
    this.request = request;
  }

  row(columns: readonly DriverColumn[]): void {
    const { takes, writer } = this;
    if (columns.length !== takes.length)
      throw new RangeError(`a row of ${columns.length} columns instead of ${takes.length}`);
    let problem: Misfit | null = null;
    let at = 0;
    for (; at < takes.length; at++) {
      const { value } = columns[at]!;
      if (value === null) writer.builders[at]!.appendNull();
      else problem = takes[at]!(value);
      if (problem === null) continue;
      if (!this.mends(problem, at)) break;
      problem = null;
    }
    this.endRow(problem, at);
  }

  override async drain(): Promise<void> {
    await super.drain();
    this.request.onProgress?.({ rows: this.rows, bytes: this.writer.bytes });
  }
}

/**
 * Runs the statement and feeds `sink`; answers the bytes read. An abort, or a sink that fails, cancels the statement, and
 * the session can go on; a server that does not hear of it, or sends nothing for `idleMs` while it is waited for, loses
 * its connection. After `statementMs` the statement is cancelled, too.
 */
export function readRows(
  connection: GuardedConnection,
  statement: { readonly sql: string; readonly parameters: Parameters },
  sink: RowSink,
  signal: AbortSignal,
  statementMs: number,
  idleMs = IDLE_MS,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const before = connection.received;
    let failure: Error | null = null;
    let draining: Promise<void> | null = null;
    const fail = (error: Error): void => {
      if (failure !== null) return;
      failure = error;
      connection.cancel();
    };
    const abort = (): void => fail(toError(signal.reason));
    const end = async (error: Error | null): Promise<void> => {
      signal.removeEventListener('abort', abort);
      clearTimeout(watch);
      clearTimeout(limit);
      await draining;
      const wrong = failure ?? error;
      if (wrong === null) resolve(connection.received - before);
      else reject(wrong);
    };
    const request = makeRequest(statement.sql, statement.parameters, (error) => void end(error));
    request.on('row', (columns: readonly DriverColumn[]) => {
      if (failure !== null) return;
      connection.rowTaken();
      try {
        sink.row(columns);
      } catch (error) {
        fail(toError(error));
        return;
      }
      if (!sink.full || draining !== null) return;
      request.pause();
      draining = drainThenGoOn();
    });
    const drainThenGoOn = async (): Promise<void> => {
      try {
        await sink.drain();
      } catch (error) {
        fail(toError(error));
      }
      draining = null;
      request.resume();
    };
    let seen = before;
    const look = (): void => {
      const now = connection.received;
      // While the sink is full it is not the server that rests.
      if (now === seen && draining === null) {
        failure ??= new Error(`it sent nothing for ${idleMs / 1000} seconds`);
        connection.close();
        return;
      }
      seen = now;
      watch = setTimeout(look, idleMs);
    };
    let watch = setTimeout(look, idleMs);
    const limit = setTimeout(
      () => fail(new Error(`it took longer than ${statementMs / 60_000} minutes`)),
      statementMs,
    );
    signal.addEventListener('abort', abort, { once: true });
    connection.execSql(request);
    if (signal.aborted) abort();
  });
}
