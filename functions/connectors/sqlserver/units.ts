/**
 * Cutting a table into units: ranges of the primary key's first column where that is a whole number, equal in width
 * between its smallest and greatest value. Anything else is one unit. Where the numbers have great gaps, units differ in
 * size; the first and last are open, so together they are the table whatever the statistics say.
 */
import { z } from 'zod';
import type { CursorRange, PlanOptions, Unit } from '../connector.ts';
import type { Relation } from './catalog.ts';
import type { GuardedConnection } from './guarded-connection.ts';
import { bracket, relationSql } from './names.ts';
import { ask, type Parameters, SCAN_MS } from './statements.ts';
import { boundSql, checkBound } from './watermark.ts';
import { unitName } from '../unit-name.ts';

const MAX_UNITS = 2000;

/** What a unit reads: a table, a range of its key (from, to: exclusive), and rows by cursor. */
export const UnitPart = z.object({
  key: z.string().nullable(),
  from: z.string().regex(/^-?\d{1,19}$/).nullable(),
  to: z.string().regex(/^-?\d{1,19}$/).nullable(),
  cursor: z.string().nullable(),
  after: z.string().nullable(),
  upTo: z.string().nullable(),
}); // prettier-ignore
export type UnitPart = z.infer<typeof UnitPart>;

const Ends = z.tuple([z.object({ low: z.string().nullable(), high: z.string().nullable() })]);

/** The smallest and greatest value of `column`, found by its index. */
export function endsSql(table: string, column: string): string {
  return `SELECT CONVERT(varchar(20), MIN(${column})) AS low, CONVERT(varchar(20), MAX(${column})) AS high FROM ${table}`;
}

/** The units of `relation`; together they are the table (or its range) once. */
export async function planRelation(
  connection: GuardedConnection,
  relation: Relation,
  options: PlanOptions,
): Promise<readonly Unit[]> {
  const { description } = relation;
  const ranges = await keyRanges(connection, relation, options);
  const share = (whole: number | null): number | null =>
    whole === null ? null : Math.round(whole / ranges.length);
  return ranges.map(({ key, from, to }, index) => ({
    id: unitName(index),
    table: description.name,
    part: partOf(key, from, to, options.range),
    estimatedRows: share(description.estimatedRows),
    estimatedBytes: share(description.estimatedBytes),
  }));
}

interface KeyRange {
  readonly key: string | null;
  readonly from: string | null;
  readonly to: string | null;
}
const WHOLE: readonly KeyRange[] = [{ key: null, from: null, to: null }];

async function keyRanges(
  connection: GuardedConnection,
  { name, description, plans }: Relation,
  options: PlanOptions,
): Promise<readonly KeyRange[]> {
  const bytes = description.estimatedBytes ?? 0;
  const most = options.limit === undefined ? (options.maxUnits ?? MAX_UNITS) : 1;
  const wanted = Math.min(Math.ceil(bytes / Math.max(1, options.targetBytes)), most);
  const key = plans.find(({ column }) => column.name === description.key[0]);
  const integer = key?.form === 'integer' || key?.form === 'bigint';
  // A short range after a watermark is found by index; cutting it by the key would read the whole table.
  const short = options.range !== undefined && options.range.after !== null;
  if (key === undefined || !integer || wanted < 2 || short) return WHOLE;
  const sql = endsSql(relationSql(name), bracket(key.column.name));
  const [{ low, high }] = Ends.parse(await ask(connection, sql, {}, SCAN_MS));
  if (low === null || high === null) return WHOLE;
  return cut(BigInt(low), BigInt(high), wanted).map((range) => ({ key: key.column.name, ...range }));
}

/** At most `count` ranges of equal width from `low` to `high`, the ends open. */
export function cut(
  low: bigint,
  high: bigint,
  count: number,
): readonly { readonly from: string | null; readonly to: string | null }[] {
  const span = high - low + 1n;
  const parts = span < BigInt(count) ? Number(span) : count;
  const edge = (index: number): string => String(low + (span * BigInt(index)) / BigInt(parts));
  return Array.from({ length: parts }, (_, index) => ({
    from: index === 0 ? null : edge(index),
    to: index === parts - 1 ? null : edge(index + 1),
  }));
}

function partOf(
  key: string | null,
  from: string | null,
  to: string | null,
  range: CursorRange | undefined,
): UnitPart {
  return {
    key,
    from,
    to,
    cursor: range?.column ?? null,
    after: range?.after ?? null,
    upTo: range?.upTo ?? null,
  };
}

/**
 * The SELECT that reads `part` of `table` (quoted), and its parameters; `cursorType`: the catalogue's, of its cursor.
 * `filter` writes one more condition on its rows, whose values it adds to the parameters; `limit`: how many rows.
 */
export function readSql(
  part: UnitPart,
  table: string,
  expressions: readonly string[],
  cursorType: string | null,
  filter: ((parameters: Record<string, string>) => string) | null = null,
  limit: number | null = null,
): { readonly sql: string; readonly parameters: Parameters } {
  const conditions: string[] = [];
  const parameters: Record<string, string> = {};
  const add = (name: string, value: string | null, condition: string): void => {
    if (value === null) return;
    parameters[name] = value;
    conditions.push(condition);
  };
  if (part.key !== null) {
    const key = bracket(part.key);
    add('from', part.from, `${key} >= CONVERT(bigint, @from)`);
    add('to', part.to, `${key} < CONVERT(bigint, @to)`);
  }
  if (part.cursor !== null && cursorType !== null) {
    const column = bracket(part.cursor);
    for (const bound of [part.after, part.upTo]) if (bound !== null) checkBound(bound, cursorType);
    add('after', part.after, `${column} > ${boundSql('@after', cursorType)}`);
    add('upTo', part.upTo, `${column} <= ${boundSql('@upTo', cursorType)}`);
  }
  if (filter !== null) conditions.push(filter(parameters));
  const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
  const most = limit === null ? '' : `TOP (${limit}) `;
  return { sql: `SELECT ${most}${expressions.join(', ')} FROM ${table}${where}`, parameters };
}
