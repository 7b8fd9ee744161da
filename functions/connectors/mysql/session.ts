/**
 * One connection to a MySQL or MariaDB database as a `SourceSession`.
 *
 * A snapshot of InnoDB belongs to the transaction that opened it and cannot be shared. So the session that opened it
 * reads all units itself, one after the other: every row of every table once, as it was at one moment.
 */
import { z } from 'zod';
import { TerminalError } from '#core/errors';
import { filterSql } from '#core/sql/row-filter';
import { planOf } from '../agreed-columns.ts';
import type { ExtractRequest, ExtractResult, SourceSession } from '../connector.ts';
import type { ErrorPlace } from '../source-errors.ts';
import { describeTable, listTables } from './catalog.ts';
import { toSourceError } from './errors.ts';
import { mysqlFilter } from './filter.ts';
import { readSettled, type Settled } from './in-flight.ts';
import { broken } from './packets.ts';
import { readReplicaLag } from './replica-lag.ts';
import { TableRows } from './rows.ts';
import { planTable, selectSql, UnitPart } from './units.ts';
import { makeDecoder } from './values.ts';
import { cursorTypeOf, upperBoundOf } from './watermark.ts';
import type { Wire } from './wire.ts';

const BEGIN = 'START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY';
/** A server that sorts or filters may send nothing for minutes; one that sends nothing for longer is taken for gone. */
const IDLE_MS = 10 * 60 * 1000;

/** The session over `wire`, which it closes. When `signal` fires, whatever is going on throws its reason. */
export function makeMysqlSession(wire: Wire, place: ErrorPlace, signal: AbortSignal): SourceSession {
  let opened: { readonly token: string; readonly settled: Settled } | null = null;

  /** Runs `work`, its errors in our words. */
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      throw toSourceError(error, place);
    }
  };
  const requireSnapshot = (): Settled => {
    if (opened !== null) return opened.settled;
    throw new TerminalError('snapshot-missing', 'This session has no snapshot to read from.', {
      remedy: 'Call openSnapshot first.',
    });
  };

  return {
    listTables: () => guarded(() => listTables(wire)),

    replicaLag: () => guarded(() => readReplicaLag(wire)),

    describe: (table) => guarded(async () => (await describeTable(wire, table)).description),

    openSnapshot: () =>
      guarded(async () => {
        if (opened !== null) return { token: opened.token };
        const settled = await readSettled(wire, signal);
        const [row] = await wire.ask("SELECT CONCAT(CONNECTION_ID(), '@', NOW(6)) AS token");
        const { token } = z.object({ token: z.string() }).parse(row);
        await wire.ask(BEGIN);
        opened = { token, settled };
        return { token };
      }),

    importSnapshot: ({ token }) =>
      guarded(async () => {
        if (opened?.token === token) return;
        throw new TerminalError(
          'snapshot-not-shared',
          'A snapshot of MySQL is read by the session that opened it, and by no other.',
          { remedy: 'Extract in the session that called openSnapshot.' },
        );
      }),

    safeUpperBound: (table, cursor, after) =>
      guarded(async () => {
        const settled = requireSnapshot();
        const found = await describeTable(wire, table);
        if (cursor === null)
          throw new TerminalError('cursor-unknown', `Table ${table} needs a cursor column for mode append.`, {
            remedy: 'Choose a column of whole numbers or of moments that only grows.',
          });
        return upperBoundOf(wire, found, cursor, after, settled);
      }),

    planUnits: (table, options) =>
      guarded(async () => {
        requireSnapshot();
        const found = await describeTable(wire, table);
        if (options.range !== undefined) cursorTypeOf(found, options.range.column);
        return planTable(wire, found, options);
      }),

    extract: async (request) => {
      requireSnapshot();
      try {
        return await extract(wire, request);
      } catch (error) {
        request.signal.throwIfAborted();
        signal.throwIfAborted();
        throw toSourceError(error, place);
      }
    },

    async close() {
      await wire.close();
    },
  };
}

async function extract(wire: Wire, request: ExtractRequest): Promise<ExtractResult> {
  const { unit, columns, writer, signal } = request;
  signal.throwIfAborted();
  const part = UnitPart.parse(unit.part);
  const table = await describeTable(wire, unit.table);
  const plans = columns.map((column) => planOf(table.plans, column, table.name));
  const decoders = plans.map((plan, index) => {
    const builder = writer.builders[index];
    if (builder === undefined)
      throw new RangeError(`a writer of ${writer.columns.length} columns for ${plans.length}`);
    return makeDecoder(plan, builder);
  });
  const rows = new TableRows(table.name, writer, decoders, request.reject);
  const sql = selectSql(
    table,
    part,
    plans.map(({ expression }) => expression),
    request.filter === undefined ? null : filterSql(request.filter, mysqlFilter(table.plans, table.name)),
    request.limit,
  );
  const sink = {
    columns: (names: readonly string[]) => rows.columns(names),
    row: (bytes: Buffer, start: number, end: number) => rows.row(bytes, start, end),
    tooBig: (limit: number) => rows.tooBig(limit),
    get full() {
      return rows.full;
    },
    async drain() {
      await rows.drain();
      request.onProgress?.({ rows: rows.rows, bytes: writer.bytes });
    },
  };
  const bytes = await wire.read(sql, sink, signal, IDLE_MS);
  if (!rows.told) throw broken('no result where rows were asked for');
  return { rows: rows.rows, rejected: rows.rejected, bytes };
}
