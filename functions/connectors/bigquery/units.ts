/** A table in units: each reads its share of the rows of one answer, which all of them ask for by the same statement. */
import { z } from 'zod';
import type { CursorRange, PlanOptions, Unit } from '../connector.ts';
import type { Relation } from './tables.ts';
import { unitName } from '../unit-name.ts';

export const UnitPart = z.object({
  /** This is unit `index` of `count`. */
  index: z.int().min(0),
  count: z.int().min(1),
  cursor: z.string().nullable(),
  after: z.string().nullable(),
  upTo: z.string().nullable(),
  /** Of a table of shards: the newest there was when it was planned. */
  newestShard: z.string().nullable(),
});
export type UnitPart = z.infer<typeof UnitPart>;

const MAX_UNITS = 2000;
/** What was added since the last run is mostly little, and how much is known only when it is read. */
const MAX_ADDED_UNITS = 4;

/** The units of a table that BigQuery reads `bytes` of. */
export function planParts(relation: Relation, bytes: number, options: PlanOptions): readonly Unit[] {
  const { range, targetBytes, limit } = options;
  const maxUnits = limit === undefined ? (options.maxUnits ?? MAX_UNITS) : 1;
  const wanted = Math.max(1, Math.ceil(bytes / Math.max(1, targetBytes)));
  const most = (range?.after ?? null) === null ? maxUnits : Math.min(maxUnits, MAX_ADDED_UNITS);
  const count = Math.min(wanted, most);
  const { name, estimatedRows } = relation.description;
  const share = (total: number | null) => (total === null ? null : Math.ceil(total / count));
  return Array.from({ length: count }, (_, index) => ({
    id: unitName(index),
    table: name,
    part: { index, count, ...bounds(range), newestShard: relation.listed.newest?.slice(-8) ?? null },
    estimatedRows: range === undefined ? share(estimatedRows) : null,
    estimatedBytes: share(bytes),
  }));
}

function bounds(range: CursorRange | undefined): Pick<UnitPart, 'cursor' | 'after' | 'upTo'> {
  return { cursor: range?.column ?? null, after: range?.after ?? null, upTo: range?.upTo ?? null };
}

/** The rows of an answer of `rows` that a unit reads: from `start` to before `end`. Together they are all, none twice. */
export function shareOf(
  { index, count }: UnitPart,
  rows: number,
): { readonly start: number; readonly end: number } {
  const edge = (at: number) => Math.floor((rows * at) / count);
  return { start: edge(index), end: edge(index + 1) };
}
