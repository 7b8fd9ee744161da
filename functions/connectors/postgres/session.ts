/** One connection to a PostgreSQL database as a `SourceSession`. */
import type { Client } from 'pg';
import { z } from 'zod';
import { TerminalError, TransientError } from '#core/errors';
import { filterSql } from '#core/sql/row-filter';
import { planOf } from '../agreed-columns.ts';
import type { ExtractRequest, ExtractResult, SourceSession } from '../connector.ts';
import type { ErrorPlace } from '../source-errors.ts';
import { describeRelation, listRelations } from './catalog.ts';
import { readCopy } from './copy-reader.ts';
import { closeClient } from './connection.ts';
import { toSourceError } from './errors.ts';
import { postgresFilter } from './filter.ts';
import { readConnectionsAllowed, readReplicaLag } from './load.ts';
import { makeRowSink } from './rows.ts';
import { copySql, planRelation, UnitPart } from './units.ts';
import { makeDecoder } from './values.ts';
import { parseRelation } from './names.ts';
import { cursorTypeOf, readSettledMoment, upperBoundOf, type SettledMoment } from './watermark.ts';

const BEGIN = 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY';
/** What pg_export_snapshot answers, and nothing else: the text goes into a statement. */
const SNAPSHOT = /^[0-9A-Fa-f]{1,16}(-[0-9A-Fa-f]{1,16}){1,3}$/;

/** What PostgreSQL says of a snapshot that is no more: invalid parameter, undefined object, not in prerequisite state. */
const SNAPSHOT_GONE: readonly unknown[] = ['22023', '42704', '55000'];

/** The session over `client`, which it closes. When `signal` fires, whatever is going on throws its reason. */
export function makePostgresSession(client: Client, place: ErrorPlace, signal: AbortSignal): SourceSession {
  let exported: { readonly token: string; readonly settled: SettledMoment } | null = null;
  let reading = false;

  /** Runs `work`, its errors in our words. */
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      throw toSourceError(error, place);
    }
  };
  const requireSnapshot = (): void => {
    if (reading) return;
    throw new TerminalError('snapshot-missing', 'This session has no snapshot to read from.', {
      remedy: 'Call openSnapshot or importSnapshot first.',
    });
  };

  return {
    listTables: () => guarded(() => listRelations(client)),

    replicaLag: () => guarded(() => readReplicaLag(client, reading)),

    connectionsAllowed: () => guarded(() => readConnectionsAllowed(client)),

    describe: (table) =>
      guarded(async () => (await describeRelation(client, parseRelation(table))).description),

    openSnapshot: () =>
      guarded(async () => {
        if (exported !== null) return { token: exported.token };
        if (reading)
          throw new TerminalError('snapshot-open', 'This session reads the snapshot of another.', {
            remedy: 'Open the snapshot in a session of its own.',
          });
        const settled = await readSettledMoment(client);
        await client.query(BEGIN);
        const { rows } = await client.query('SELECT pg_catalog.pg_export_snapshot() AS token');
        const [{ token }] = z.tuple([z.object({ token: z.string().regex(SNAPSHOT) })]).parse(rows);
        exported = { token, settled };
        reading = true;
        return { token };
      }),

    importSnapshot: ({ token }) =>
      guarded(async () => {
        if (!SNAPSHOT.test(token))
          throw new TerminalError(
            'snapshot-invalid',
            `"${token.slice(0, 50)}" is no snapshot of PostgreSQL.`,
            {
              remedy: 'Use the token that openSnapshot answered.',
            },
          );
        if (reading) await client.query('ROLLBACK');
        exported = null;
        reading = false;
        await client.query(BEGIN);
        await client.query(`SET TRANSACTION SNAPSHOT '${token}'`).catch((cause: unknown) => {
          if (!(cause instanceof Error && 'code' in cause && SNAPSHOT_GONE.includes(cause.code))) throw cause;
          throw new TransientError('snapshot-gone', 'The snapshot of this run is gone: its session ended.', {
            remedy: 'The run starts these tables again with a new snapshot.',
            cause,
          });
        });
        reading = true;
      }),

    safeUpperBound: (table, cursor, after) =>
      guarded(async () => {
        if (exported === null)
          throw new TerminalError('snapshot-missing', 'This session has opened no snapshot.', {
            remedy: 'Ask for the bound in the session that called openSnapshot.',
          });
        const relation = await describeRelation(client, parseRelation(table));
        if (cursor === null)
          throw new TerminalError('cursor-unknown', `Table ${table} needs a cursor column for mode append.`, {
            remedy: 'Choose a column of whole numbers or of moments that only grows.',
          });
        return upperBoundOf(client, relation, cursor, after, exported.settled);
      }),

    planUnits: (table, options) =>
      guarded(async () => {
        requireSnapshot();
        const relation = await describeRelation(client, parseRelation(table));
        if (options.range !== undefined) cursorTypeOf(relation, options.range.column);
        const { rows } = await client.query(
          "SELECT pg_catalog.current_setting('server_version_num')::int AS version",
        );
        const [{ version }] = z.tuple([z.object({ version: z.number() })]).parse(rows);
        return planRelation(client, relation, options, version);
      }),

    extract: async (request) => {
      requireSnapshot();
      try {
        return await extract(client, request);
      } catch (error) {
        request.signal.throwIfAborted();
        signal.throwIfAborted();
        throw toSourceError(error, place);
      }
    },

    async close() {
      await closeClient(client);
    },
  };
}

async function extract(client: Client, request: ExtractRequest): Promise<ExtractResult> {
  const { unit, columns, writer, signal } = request;
  const part = UnitPart.parse(unit.part);
  const relation = await describeRelation(client, parseRelation(unit.table));
  const plans = columns.map((column) => planOf(relation.plans, column, relation.description.name));
  const encoding = await client.query("SELECT pg_catalog.current_setting('server_encoding') AS name");
  const [{ name }] = z.tuple([z.object({ name: z.string() })]).parse(encoding.rows);
  const decoders = plans.map((plan, index) => {
    const builder = writer.builders[index];
    if (builder === undefined)
      throw new RangeError(`a writer of ${writer.columns.length} columns for ${plans.length}`);
    return makeDecoder(plan, builder, name === 'SQL_ASCII');
  });
  const sink = makeRowSink(writer, decoders, request.reject);
  const sql = copySql(
    part,
    plans.map(({ expression }) => expression),
    part.cursor === null ? null : cursorTypeOf(relation, part.cursor),
    request.filter === undefined
      ? null
      : filterSql(request.filter, postgresFilter(relation.plans, relation.description.name)),
    request.limit,
  );
  const bytes = await readCopy(client, sql, {
    frame: (data, start, end) => sink.frame(data, start, end),
    get full() {
      return sink.full;
    },
    async drain() {
      await sink.drain();
      request.onProgress?.({ rows: sink.rows, bytes: writer.bytes });
    },
  }, signal); // prettier-ignore
  return { rows: sink.rows, rejected: sink.rejected, bytes };
}
