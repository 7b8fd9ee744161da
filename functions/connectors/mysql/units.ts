/**
 * Cutting a table into units by ranges of its primary key: the rows lie in its order, so each is read once, from one place.
 * Keys that do not begin with a whole number, views, and engines without snapshots (where only one statement is one
 * moment) are one unit.
 *
 * Numbers are rarely spread evenly, and one outlier may be far from all others. So a range is halved only as long as the
 * server estimates more rows in it than wanted; an estimate costs a look at the index.
 */
import { z } from 'zod';
import type { CursorRange, PlanOptions, Unit } from '../connector.ts';
import type { Table } from './catalog.ts';
import { quoteName } from './names.ts';
import { cursorLiteral, cursorTypeOf } from './watermark.ts';
import type { Wire } from './wire.ts';

const MAX_UNITS = 2000;

/** A whole number as text: keys have 64 bits, or up to 65 digits where they are DECIMAL. */
const Key = z.string().regex(/^-?\d{1,65}$/);

/** What a unit reads: rows of a range of the key (from, below `to`), and by cursor. */
export const UnitPart = z.object({
  key: z.string().nullable(),
  from: Key.nullable(),
  to: Key.nullable(),
  cursor: z.string().nullable(),
  after: z.string().nullable(),
  upTo: z.string().nullable(),
}); // prettier-ignore
export type UnitPart = z.infer<typeof UnitPart>;

/** A range of keys: from `from` on, below `to`; null is open. */
export interface KeyRange {
  readonly from: bigint | null;
  readonly to: bigint | null;
}

/** The units of `table`; together they are the table (or its range) once. */
export async function planTable(wire: Wire, table: Table, options: PlanOptions): Promise<readonly Unit[]> {
  const { estimatedBytes, estimatedRows } = table.description;
  const wanted = Math.ceil((estimatedBytes ?? 0) / Math.max(options.targetBytes, 1));
  const most = options.limit === undefined ? (options.maxUnits ?? MAX_UNITS) : 1;
  const count = Math.max(1, Math.min(wanted, most));
  const key = cuttableKey(table);
  // A short range after a watermark is found by index; cutting it by the key would look at all rows.
  const whole = key === null || count === 1 || !table.versioned || (options.range?.after ?? null) !== null;
  const ranges = whole ? [{ from: null, to: null }] : await cutByKey(wire, table.name, key, count);
  return ranges.map(({ from, to }, index) => ({
    id: `u${String(index).padStart(5, '0')}`,
    table: table.name,
    part: partOf(whole ? null : key, from, to, options.range),
    estimatedRows: estimatedRows === null ? null : Math.round(estimatedRows / ranges.length),
    estimatedBytes: estimatedBytes === null ? null : Math.round(estimatedBytes / ranges.length),
  }));
}

/** The first column of the primary key where it is a whole number. */
function cuttableKey(table: Table): string | null {
  const [first] = table.description.key;
  const plan = table.plans.find(({ column }) => column.name === first);
  const whole = plan?.form === 'integer' || (plan?.form === 'decimal' && plan.column.scale === 0);
  return first !== undefined && whole ? first : null;
}

async function cutByKey(wire: Wire, table: string, key: string, count: number): Promise<readonly KeyRange[]> {
  const column = quoteName(key);
  const from = quoteName(table);
  const [bounds] = await wire.ask(`SELECT MIN(${column}) AS least, MAX(${column}) AS most FROM ${from}`);
  const { least = null, most = null } = bounds ?? {};
  if (least === null || most === null) return [{ from: null, to: null }];
  const estimate = async (low: bigint, high: bigint): Promise<number> => {
    const [plan] = await wire.ask(
      `EXPLAIN FORMAT=TRADITIONAL SELECT ${column} FROM ${from} WHERE ${column} >= ${low} AND ${column} < ${high}`,
    );
    return Number(plan?.['rows'] ?? 0);
  };
  return cutRange(BigInt(least), BigInt(most), count, estimate);
}

/**
 * At most `count` ranges over the keys `least` to `most`, of about as many rows each by `estimate(low, below)`. The first
 * and the last are open: whatever the bounds are by now, no row is outside.
 */
export async function cutRange(
  least: bigint,
  most: bigint,
  count: number,
  estimate: (low: bigint, below: bigint) => Promise<number>,
): Promise<readonly KeyRange[]> {
  const total = await estimate(least, most + 1n);
  const wanted = Math.max(1, total / count);
  const pieces: Piece[] = [{ from: least, below: most + 1n, rows: total }];
  // The budget ends the search where estimates are always wrong; a key far from all others takes some sixty looks.
  for (let looks = 0; looks < MIN_LOOKS + 4 * count; looks++) {
    const at = greatestOf(pieces, wanted);
    const piece = pieces[at];
    if (piece === undefined) break;
    const { from, below, rows } = piece;
    const middle = from + (below - from) / 2n;
    const left = Math.min(rows, await estimate(from, middle));
    pieces.splice(at, 1, { from, below: middle, rows: left }, { from: middle, below, rows: rows - left });
  }
  // Pieces smaller than wanted are joined, so that an uneven spread still gives even units.
  return joined(pieces, wanted, count);
}

const MIN_LOOKS = 256;

interface Piece {
  readonly from: bigint;
  readonly below: bigint;
  readonly rows: number;
}

/** Where the piece with the most rows is, of those that have more than `wanted` and can be halved; −1 without one. */
function greatestOf(pieces: readonly Piece[], wanted: number): number {
  let found = -1;
  let most = wanted;
  pieces.forEach(({ from, below, rows }, index) => {
    if (rows <= most || below - from < 2n) return;
    most = rows;
    found = index;
  });
  return found;
}

/** Neighbours joined to units of `wanted` rows and at most `count`. */
function joined(pieces: readonly Piece[], wanted: number, count: number): readonly KeyRange[] {
  const starts: bigint[] = [];
  let rows = 0;
  for (const piece of pieces) {
    // Half a piece too many is as good as half a piece too few.
    const full = rows + piece.rows / 2 >= wanted;
    if (starts.length === 0) starts.push(piece.from);
    else if (full && starts.length < count) {
      starts.push(piece.from);
      rows = 0;
    }
    rows += piece.rows;
  }
  return starts.map((start, index) => ({
    from: index === 0 ? null : start,
    to: starts[index + 1] ?? null,
  }));
}

function partOf(
  key: string | null,
  from: bigint | null,
  to: bigint | null,
  range: CursorRange | undefined,
): UnitPart {
  return {
    key,
    from: from === null ? null : String(from),
    to: to === null ? null : String(to),
    cursor: range?.column ?? null,
    after: range?.after ?? null,
    upTo: range?.upTo ?? null,
  };
}

/** The SELECT that reads `part` of `table`; `filter`: one more condition on its rows, `limit`: how many of them. */
export function selectSql(
  table: Table,
  part: UnitPart,
  expressions: readonly string[],
  filter: string | null = null,
  limit: number | null = null,
): string {
  const conditions: string[] = [];
  if (part.key !== null) {
    const key = quoteName(part.key);
    if (part.from !== null) conditions.push(`${key} >= ${part.from}`);
    if (part.to !== null) conditions.push(`${key} < ${part.to}`);
  }
  if (part.cursor !== null) {
    const type = cursorTypeOf(table, part.cursor);
    const column = quoteName(part.cursor);
    if (part.after !== null) conditions.push(`${column} > ${cursorLiteral(part.after, type)}`);
    if (part.upTo !== null) conditions.push(`${column} <= ${cursorLiteral(part.upTo, type)}`);
  }
  if (filter !== null) conditions.push(filter);
  const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
  const most = limit === null ? '' : ` LIMIT ${limit}`;
  return `SELECT ${expressions.join(', ')} FROM ${quoteName(table.name)}${where}${most}`;
}
