/** One connection to a SQL Server as a `SourceSession`. */
import { TerminalError } from '#core/errors';
import { filterSql } from '#core/sql/row-filter';
import { planOf } from '../agreed-columns.ts';
import type { ExtractRequest, ExtractResult, SourceSession } from '../connector.ts';
import type { ErrorPlace } from '../source-errors.ts';
import { describeRelation, listRelations } from './catalog.ts';
import { closeConnection } from './connection.ts';
import { toSourceError } from './errors.ts';
import { sqlServerFilter } from './filter.ts';
import type { GuardedConnection } from './guarded-connection.ts';
import { parseRelation, relationSql } from './names.ts';
import { makeRowSink, readRows } from './rows.ts';
import { beginSnapshot, requireSnapshots, requireTransaction, ROLL_BACK } from './snapshot.ts';
import { tell } from './statements.ts';
import { planRelation, readSql, UnitPart } from './units.ts';
import { makeTake } from './values.ts';
import { cursorTypeOf, readSettledMoment, type SettledMoment, upperBoundOf } from './watermark.ts';

/**
 * The session over `connection`, which it closes; one statement that reads rows takes `statementMs` at most. When `signal`
 * fires, whatever is going on throws its reason.
 */
export function makeSqlServerSession(
  connection: GuardedConnection,
  place: ErrorPlace,
  statementMs: number,
  signal: AbortSignal,
): SourceSession {
  let open: { readonly token: string; readonly settled: SettledMoment } | null = null;

  /** Runs `work`, its errors in our words. */
  const guarded = async <T>(work: () => Promise<T>, ...signals: readonly AbortSignal[]): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      for (const each of [...signals, signal]) each.throwIfAborted();
      throw toSourceError(error, place);
    }
  };
  /** What was settled before the snapshot, which the session is still in: asked before every reading. */
  const snapshot = async (): Promise<SettledMoment> => {
    if (open === null)
      throw new TerminalError('snapshot-missing', 'This session has no snapshot to read from.', {
        remedy: 'Call openSnapshot first.',
      });
    await requireTransaction(connection, open.token);
    return open.settled;
  };

  return {
    listTables: () => guarded(() => listRelations(connection)),

    describe: (table) =>
      guarded(async () => (await describeRelation(connection, parseRelation(table))).description),

    openSnapshot: () =>
      guarded(async () => {
        if (open !== null) return { token: open.token };
        await requireSnapshots(connection, place);
        const settled = await readSettledMoment(connection);
        try {
          open = { token: await beginSnapshot(connection), settled };
        } catch (error) {
          await tell(connection, ROLL_BACK).catch(() => undefined);
          throw error;
        }
        return { token: open.token };
      }),

    importSnapshot: ({ token }) =>
      guarded(async () => {
        if (open?.token === token) return requireTransaction(connection, token);
        throw new TerminalError(
          'snapshot-not-shared',
          'A snapshot of SQL Server is read by the session that opened it, and by no other.',
          { remedy: 'Read all units of this source in the session that called openSnapshot.' },
        );
      }),

    safeUpperBound: (table, cursor, after) =>
      guarded(async () => {
        const settled = await snapshot();
        const relation = await describeRelation(connection, parseRelation(table));
        if (cursor === null)
          throw new TerminalError('cursor-unknown', `Table ${table} needs a cursor column for mode append.`, {
            remedy: 'Choose a rowversion, or a column of whole numbers or of moments that only grows.',
          });
        return upperBoundOf(connection, relation, cursor, after, settled);
      }),

    planUnits: (table, options) =>
      guarded(async () => {
        await snapshot();
        const relation = await describeRelation(connection, parseRelation(table));
        const { range } = options;
        if (range !== undefined)
          cursorTypeOf(
            relation.plans.find(({ column }) => column.name === range.column),
            relation,
          );
        return planRelation(connection, relation, options);
      }),

    extract: (request) =>
      guarded(async () => {
        await snapshot();
        request.signal.throwIfAborted();
        return extract(connection, request, statementMs);
      }, request.signal),

    async close() {
      await closeConnection(connection);
    },
  };
}

async function extract(
  connection: GuardedConnection,
  request: ExtractRequest,
  statementMs: number,
): Promise<ExtractResult> {
  const { unit, columns, writer, signal, filter } = request;
  const part = UnitPart.parse(unit.part);
  const relation = await describeRelation(connection, parseRelation(unit.table));
  const plans = columns.map((column) => planOf(relation.plans, column, relation.description.name));
  const takes = plans.map((plan, index) => {
    const builder = writer.builders[index];
    if (builder === undefined)
      throw new RangeError(`a writer of ${writer.columns.length} columns for ${plans.length}`);
    return makeTake(plan, builder);
  });
  const cursor = relation.plans.find(({ column }) => column.name === part.cursor);
  const statement = readSql(
    part,
    relationSql(relation.name),
    plans.map(({ expression }) => expression),
    part.cursor === null ? null : cursorTypeOf(cursor, relation),
    filter === undefined
      ? null
      : (parameters) =>
          filterSql(filter, sqlServerFilter(relation.plans, relation.description.name, parameters)),
    request.limit,
  );
  const sink = makeRowSink(request, takes);
  const bytes = await readRows(connection, statement, sink, signal, statementMs);
  return { rows: sink.rows, rejected: sink.rejected, bytes };
}
