/**
 * Cutting a table into units by its partitions, and by ranges of its primary key: the rows lie in its order, so each is read
 * once, from one place. Keys that do not begin with a whole number, views, and engines without snapshots (where only one statement is one
 * moment) are one unit.
 *
 * Numbers are rarely spread evenly, and one outlier may be far from all others. So a range is halved only as long as the
 * server estimates more rows in it than wanted; an estimate costs a look at the index.
 */
import { z } from 'zod';
import type { CursorRange, PlanOptions, Unit } from '../connector.ts';
import type { Table } from './catalog.ts';
import { cutRange, type KeyRange } from '../key-cuts.ts';
import { quoteName } from './names.ts';
import { joinPartitions, readPartitions } from './partitions.ts';
import { cursorLiteral, cursorTypeOf } from './watermark.ts';
import type { Wire } from './wire.ts';
import { unitName } from '../unit-name.ts';

const MAX_UNITS = 2000;

/** A whole number as text: keys have 64 bits, or up to 65 digits where they are DECIMAL. */
const Key = z.string().regex(/^-?\d{1,65}$/);

/** What a unit reads: rows of a range of the key (from, below `to`), and by cursor; of some partitions only, a JSON list. */
export const UnitPart = z.object({
  partitions: z.string().nullable().default(null),
  key: z.string().nullable(),
  from: Key.nullable(),
  to: Key.nullable(),
  cursor: z.string().nullable(),
  after: z.string().nullable(),
  upTo: z.string().nullable(),
}); // prettier-ignore
export type UnitPart = z.infer<typeof UnitPart>;

/** The units of `table`; together they are the table (or its range) once. */
export async function planTable(wire: Wire, table: Table, options: PlanOptions): Promise<readonly Unit[]> {
  const { estimatedBytes, estimatedRows } = table.description;
  const wanted = Math.ceil((estimatedBytes ?? 0) / Math.max(options.targetBytes, 1));
  const most = options.limit === undefined ? (options.maxUnits ?? MAX_UNITS) : 1;
  const count = Math.max(1, Math.min(wanted, most));
  // A short range after a watermark is found by index; cutting it would look at all rows.
  const whole = count === 1 || !table.versioned || (options.range?.after ?? null) !== null;
  const pieces = whole ? [WHOLE] : await cut(wire, table, options.targetBytes, most, count);
  const share = (sum: number | null, own: number | null): number | null =>
    sum === null ? null : Math.round(own ?? sum / pieces.length);
  return pieces.map((piece, index) => ({
    id: unitName(index),
    table: table.name,
    part: partOf(piece, options.range),
    estimatedRows: share(estimatedRows, piece.rows),
    estimatedBytes: share(estimatedBytes, piece.bytes),
  }));
}

/** A part of a table; `rows` and `bytes` where they are known better than as a share of all. */
interface Cut {
  readonly partitions: readonly string[] | null;
  readonly key: string | null;
  readonly range: KeyRange;
  readonly rows: number | null;
  readonly bytes: number | null;
}

const ALL: KeyRange = { from: null, to: null };
const WHOLE: Cut = { partitions: null, key: null, range: ALL, rows: null, bytes: null };

/** By partitions where there are some, and what is still too large by its key. */
async function cut(
  wire: Wire,
  table: Table,
  targetBytes: number,
  most: number,
  count: number,
): Promise<readonly Cut[]> {
  const key = cuttableKey(table);
  const groups = joinPartitions(await readPartitions(wire, table.name), targetBytes, most);
  if (groups.length < 2) {
    if (key === null) return [WHOLE];
    const ranges = await cutByKey(wire, quoteName(table.name), key, count);
    return ranges.map((range) => ({ ...WHOLE, key, range }));
  }
  const cuts: Cut[] = [];
  let left = most;
  for (const [index, group] of groups.entries()) {
    const partitions = group.map(({ name }) => name);
    const rows = group.reduce((sum, one) => sum + one.rows, 0);
    const bytes = group.reduce((sum, one) => sum + one.bytes, 0);
    // Those that follow get a unit each, whatever this one is cut into.
    const pieces = Math.min(Math.ceil(bytes / Math.max(targetBytes, 1)), left - (groups.length - 1 - index));
    const ranges =
      key === null || pieces < 2
        ? [ALL]
        : await cutByKey(wire, `${quoteName(table.name)} ${partitionSql(partitions)}`, key, pieces);
    const part = { rows: rows / ranges.length, bytes: bytes / ranges.length };
    cuts.push(
      ...ranges.map((range) => ({ partitions, key: ranges.length > 1 ? key : null, range, ...part })),
    );
    left -= ranges.length;
  }
  return cuts;
}

function partitionSql(names: readonly string[]): string {
  return `PARTITION (${names.map(quoteName).join(', ')})`;
}

/** The first column of the primary key where it is a whole number. */
function cuttableKey(table: Table): string | null {
  const [first] = table.description.key;
  const plan = table.plans.find(({ column }) => column.name === first);
  const whole = plan?.form === 'integer' || (plan?.form === 'decimal' && plan.column.scale === 0);
  return first !== undefined && whole ? first : null;
}

/** Ranges of `key`, of what `from` names as statements do. */
async function cutByKey(wire: Wire, from: string, key: string, count: number): Promise<readonly KeyRange[]> {
  const column = quoteName(key);
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

function partOf({ partitions, key, range }: Cut, cursor: CursorRange | undefined): UnitPart {
  const { from, to } = range;
  return {
    partitions: partitions === null ? null : JSON.stringify(partitions),
    key,
    from: from === null ? null : String(from),
    to: to === null ? null : String(to),
    cursor: cursor?.column ?? null,
    after: cursor?.after ?? null,
    upTo: cursor?.upTo ?? null,
  };
}

const Names = z.array(z.string()).min(1);

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
  const names = part.partitions === null ? null : Names.parse(JSON.parse(part.partitions));
  const from = names === null ? '' : ` ${partitionSql(names)}`;
  return `SELECT ${expressions.join(', ')} FROM ${quoteName(table.name)}${from}${where}${most}`;
}
