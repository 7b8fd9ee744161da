/**
 * A data set of BigQuery as a `SourceSession`. A snapshot is a moment, which BigQuery itself can go back to for days: nothing
 * has to be held open, and every session can read it.
 *
 * As the account of a key, rows are read by one query a table (its account pays, and its rights count) whose answer is taken
 * page by page. As the installation's own account no statement ever names a table of the customer's: the warehouse copies
 * the table, and reads the copy (`planTransfer`).
 */
import type { Column } from '#core/column';
import { TerminalError } from '#core/errors';
import { filterSql } from '#core/sql/row-filter';
import type { TypedFilter } from '#core/typed-filter';
import { planOf } from '../agreed-columns.ts';
import type {
  CursorRange,
  ExtractRequest,
  ExtractResult,
  SourceSession,
  Transfer,
  TransferOptions,
} from '../connector.ts';
import type { BigQueryClient } from './client.ts';
import { bigQueryFilter } from './filter.ts';
import { AnsweredRows, makeTake } from './rows.ts';
import { type From, quoteIdentifier, selectSql, whereSql } from './select.ts';
import {
  describeTable,
  groupShards,
  hasPast,
  listingOf,
  readableBy,
  type Relation,
  wholeChoice,
} from './tables.ts';
import { planParts, shareOf, UnitPart } from './units.ts';
import { cursorNull, cursorTypeOf, upperBoundOf } from './watermark.ts';

/** Tables looked at together. */
const LANES = 8;
/** Rows asked for at a time; BigQuery answers fewer where they are long. */
const PAGE_ROWS = 20_000;

export interface Place {
  readonly project: string;
  readonly dataset: string;
}

/** The session over `client`. `clock` in milliseconds since 1970; when `signal` fires its reason is thrown. */
export function makeBigQuerySession(
  client: BigQueryClient,
  place: Place,
  clock: () => number,
  signal: AbortSignal,
): SourceSession {
  let moment: number | null = null;
  const { own, warehouseLocation } = client.api;

  const snapshot = (): number => {
    if (moment !== null) return moment;
    throw new TerminalError('snapshot-missing', 'This session has no snapshot to read from.', {
      remedy: 'Call openSnapshot first.',
    });
  };
  const fromOf = ({ listed }: Relation, at: number): From => ({
    ...place,
    table: listed.name,
    moment: hasPast(listed) ? at : null,
  });

  return {
    async listTables() {
      const tables = readableBy(own, groupShards(await client.tables()));
      const found = tables.map((listed) => ({ listed, facts: null as Relation['facts'] | null }));
      for (let at = 0; at < found.length; at += LANES) {
        signal.throwIfAborted();
        await Promise.all(
          found.slice(at, at + LANES).map(async (one) => {
            one.facts = await client.table(one.listed.newest ?? one.listed.name);
          }),
        );
      }
      return found.map(({ listed, facts }) => listingOf(listed, facts));
    },

    describe: async (table) => (await describeTable(client, table)).description,

    async costOf(table, excluded) {
      if (own) return null;
      const relation = await describeTable(client, table);
      const bytes = await bytesOf(client, relation, fromOf(relation, clock()), excluded);
      return `Reading all of ${table} scans ${bytes.toLocaleString('en-US')} bytes, which the project ${client.api.jobProject} pays for.`;
    },

    async openSnapshot() {
      if (own) await mustBeNear(client, warehouseLocation);
      moment ??= Math.floor(clock());
      return { token: String(moment) };
    },

    async importSnapshot({ token }) {
      if (!/^\d{1,15}$/.test(token)) throw new RangeError(`snapshot ${token.slice(0, 40)}`);
      moment = Number(token);
    },

    async safeUpperBound(table, cursor, after) {
      const at = snapshot();
      const relation = await describeTable(client, table);
      cursorTypeOf(relation, cursor);
      return upperBoundOf(client, relation, cursor ?? '', after, at);
    },

    async planUnits(table, options) {
      const at = snapshot();
      const relation = await describeTable(client, table);
      if (own) throw new RangeError(`units of ${table}, which the warehouse takes itself`);
      const { range } = options;
      if (range !== undefined) cursorTypeOf(relation, range.column);
      const size = relation.description.estimatedBytes;
      const bytes = size ?? (await bytesOf(client, relation, fromOf(relation, at)));
      return planParts(relation, bytes, options);
    },

    async planTransfer(table, columns, options) {
      const at = snapshot();
      if (!own) return null;
      const relation = await describeTable(client, table);
      return transferOf(place, relation, columns, options, at);
    },

    async extract(request) {
      const at = snapshot();
      request.signal.throwIfAborted();
      const part = UnitPart.parse(request.unit.part);
      const relation = await describeTable(client, request.unit.table);
      const { plans } = relation;
      const chosen = request.columns.map((column) => planOf(plans, column, request.unit.table));
      const where = whereSql({
        ...wholeChoice(relation),
        newestShard: part.newestShard,
        range: typedRange(relation, rangeOf(part)),
        filter: filterOf(relation, request.filter),
      });
      const expressions = chosen.map(({ expression }) => expression);
      const sql = selectSql(expressions, fromOf(relation, at), where, request.limit);
      return extract(client, request, part, `rows ${at}`, sql);
    },

    async close() {},
  };
}

async function extract(
  client: BigQueryClient,
  { unit, columns, writer, reject, signal, onProgress }: ExtractRequest,
  part: UnitPart,
  key: string,
  sql: string,
): Promise<ExtractResult> {
  const takes = columns.map((column, index) => {
    const builder = writer.builders[index];
    if (builder === undefined)
      throw new RangeError(`a writer of ${writer.columns.length} columns for ${columns.length}`);
    return makeTake(column, builder);
  });
  const answer = await client.run(key, sql, unit.table);
  const rows = new AnsweredRows(writer, takes, reject);
  const { start, end } = shareOf(part, answer.rows);
  for (let at = start; at < end;) {
    signal.throwIfAborted();
    const page = await client.page(answer, at, Math.min(PAGE_ROWS, end - at));
    for (const row of page) rows.row(row);
    at += page.length;
    if (rows.full) await rows.drain();
    onProgress?.({ rows: rows.rows, bytes: writer.bytes });
  }
  return { rows: rows.rows, rejected: rows.rejected, bytes: rows.characters };
}

/** How the warehouse takes the table by itself. */
export function transferOf(
  place: Place,
  relation: Relation,
  columns: readonly Column[],
  { range = null, cursor, filter, limit }: TransferOptions,
  moment: number,
): Transfer {
  const { listed, plans, description } = relation;
  const chosen = columns.map((column) => planOf(plans, column, description.name));
  const column = plans.find((plan) => plan.column.name === (range?.column ?? cursor))?.column;
  const lacking = column?.nullable === true ? cursorNull(description.name, column.name) : null;
  return {
    from: { ...place, table: listed.name },
    moment,
    expressions: chosen.map(({ expression }) => expression),
    where: whereSql({
      ...wholeChoice(relation),
      range: typedRange(relation, range),
      filter: filterOf(relation, filter),
    }),
    limit: limit ?? null,
    refusal:
      lacking === null || column === undefined
        ? null
        : {
            when: `t.${quoteIdentifier(column.name)} IS NULL`,
            code: lacking.code,
            message: lacking.message,
            remedy: lacking.remedy ?? '',
          },
  };
}

function filterOf({ plans, description }: Relation, filter: TypedFilter | undefined): string | null {
  return filter === undefined ? null : filterSql(filter, bigQueryFilter(plans, description.name));
}

function rangeOf({ cursor, after, upTo }: UnitPart): CursorRange | null {
  return cursor === null || upTo === null ? null : { column: cursor, after, upTo };
}

function typedRange(relation: Relation, range: CursorRange | null) {
  return range === null ? null : { ...range, type: cursorTypeOf(relation, range.column) };
}

/** Bytes that BigQuery scans where all of a table is read. */
function bytesOf(
  client: BigQueryClient,
  relation: Relation,
  from: From,
  excluded: readonly string[] = [],
): Promise<number> {
  const where = whereSql({ ...wholeChoice(relation), range: null });
  const read = relation.plans.filter(({ column }) => !excluded.includes(column.name));
  const sql = selectSql(
    read.map(({ expression }) => expression),
    from,
    where,
  );
  return client.bytesOf(sql, relation.listed.name);
}

/** BigQuery copies and reads within one location alone. @throws TerminalError `location-differs` */
export async function mustBeNear(client: BigQueryClient, warehouse: string): Promise<void> {
  const location = await client.location();
  if (location.toLowerCase() === warehouse.toLowerCase()) return;
  throw new TerminalError(
    'location-differs',
    `The data set ${client.name} is in ${location}, and the warehouse in ${warehouse}: BigQuery copies nothing from one to the other.`,
    {
      remedy: `Set the key of a service account that may read the data set, or copy the data set to ${warehouse}.`,
    },
  );
}
