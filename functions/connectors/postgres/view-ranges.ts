/**
 * Ranges of a view's key, by the planner alone: nothing of the view is read to cut it.
 *
 * A view is one query for each of its parts, and every row must be in exactly one of them. So its key has to be a column of a
 * table, seen through nothing that could give it another value the next time (windows, limits, functions), and the parts
 * together must not cost much more than all of it at once: where the condition does not reach the tables, each part would be
 * the whole query again.
 */
import type { Client } from 'pg';
import { z } from 'zod';
import { cutRange } from '../key-cuts.ts';
import type { KeyRange } from './key-ranges.ts';
import { escapeIdentifier } from './names.ts';

/** Parts of a view at most: each is planned and costs a beginning. */
const MOST_PARTS = 64;
/** All parts together may cost so many times the whole. */
const MORE_COST = 2;

const LEAST_KEY = -(2n ** 63n);
const MOST_KEY = 2n ** 63n - 1n;

/** What the planner says of one step of a query. */
const Step = z.object({
  'Node Type': z.string(),
  'Plan Rows': z.number(),
  'Plan Width': z.number(),
  'Total Cost': z.number(),
  Output: z.array(z.string()).default([]),
  Plans: z.array(z.unknown()).default([]),
});
type Step = z.infer<typeof Step>;
const Explained = z.tuple([z.object({ 'QUERY PLAN': z.tuple([z.object({ Plan: Step })]) })]);

/** How a view is cut, and what the planner expects of it. */
export interface ViewCut {
  /** One that is open at both ends where it is not cut. */
  readonly ranges: readonly KeyRange[];
  readonly rows: number;
  readonly bytes: number;
  /** Why a large view is not cut; null for one that is, or is small. */
  readonly note: string | null;
}

/** Cuts the view that `from` names, as statements do, by its whole-numbered column `key`; null: none was chosen. */
export async function cutView(
  client: Client,
  from: string,
  key: string | null,
  targetBytes: number,
  maxUnits: number,
): Promise<ViewCut> {
  const all = await explain(client, `SELECT * FROM ${from}`);
  const rows = all['Plan Rows'];
  const bytes = rows * all['Plan Width'];
  const one = (note: string | null): ViewCut => ({ ranges: [{ from: null, to: null }], rows, bytes, note });
  const count = Math.min(maxUnits, MOST_PARTS, Math.ceil(bytes / Math.max(1, targetBytes)));
  if (count < 2) return one(null);
  if (key === null)
    return one('The view is read in one part: no column of whole numbers is chosen as its key or cursor.');
  const column = escapeIdentifier(key);
  const ofKey = await explain(client, `SELECT ${column} FROM ${from}`);
  if (!isSteady(ofKey))
    return one(
      `The view is read in one part: "${key}" is not simply a column of a table, and could have another value in each part.`,
    );
  const planned = (low: bigint, below: bigint, list: string) => {
    const conditions = [
      ...(low > LEAST_KEY ? [`${column} >= '${low}'::pg_catalog.int8`] : []),
      ...(below <= MOST_KEY ? [`${column} < '${below}'::pg_catalog.int8`] : []),
    ];
    const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
    return explain(client, `SELECT ${list} FROM ${from}${where}`);
  };
  const cuts = await cutRange(
    LEAST_KEY,
    MOST_KEY,
    count,
    async (low, below) => (await planned(low, below, column))['Plan Rows'],
  );
  let cost = 0;
  for (const cut of cuts)
    cost += (await planned(cut.from ?? LEAST_KEY, cut.to ?? MOST_KEY + 1n, '*'))['Total Cost'];
  if (cost > MORE_COST * all['Total Cost'])
    return one(
      `The view is read in one part: ranges of "${key}" would each cost much of what all of it costs.`,
    );
  const text = (value: bigint | null) => (value === null ? null : String(value));
  return { ranges: cuts.map((cut) => ({ from: text(cut.from), to: text(cut.to) })), rows, bytes, note: null };
}

async function explain(client: Client, sql: string): Promise<Step> {
  const { rows } = await client.query(`EXPLAIN (VERBOSE, FORMAT JSON) ${sql}`);
  const [
    {
      'QUERY PLAN': [{ Plan }],
    },
  ] = Explained.parse(rows);
  return Plan;
}

/** Steps through which a column of a table comes with the values that it has there, whoever asks and however often. */
const STEADY: ReadonlySet<string> = new Set([
  'Seq Scan',
  'Index Scan',
  'Index Only Scan',
  'Bitmap Heap Scan',
  'Bitmap Index Scan',
  'Nested Loop',
  'Hash Join',
  'Merge Join',
  'Hash',
  'Sort',
  'Incremental Sort',
  'Materialize',
  'Memoize',
  'Aggregate',
  'Gather',
  'Gather Merge',
]);

/** Whether all that is put out is one column, by steady steps. Pure; exported for tests. */
export function isSteady(step: Step): boolean {
  const [column, ...others] = step.Output;
  const plain = column !== undefined && others.length === 0 && COLUMN.test(column);
  return plain && stepsOf(step).every((each) => STEADY.has(each['Node Type']));
}

/** `orders.id`, `"the orders"."the id"`: everything else is written with parentheses or as a call. */
const COLUMN = /^(?:[a-z_][a-z0-9_$]*|"(?:[^"]|"")+")\.(?:[a-z_][a-z0-9_$]*|"(?:[^"]|"")+")$/;

function stepsOf(step: Step): Step[] {
  return [step, ...step.Plans.flatMap((child) => stepsOf(Step.parse(child)))];
}
