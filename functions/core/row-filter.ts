/**
 * Which rows of a table are loaded: conditions on its columns, structured, never SQL. Every source answers them alike:
 *
 * - A row is taken where the whole is true. As in SQL, a comparison with null is neither true nor false, so the row is not.
 * - Texts are equal where they are the same characters, in the same case; spaces at their ends do not count, for databases
 *   keep columns of fixed width filled up with them. They are not compared by order, which each database has its own of.
 * - Numbers are compared exactly. Floating-point numbers are compared by order alone; NaN is neither above nor below any.
 *   Those of single precision are compared in that.
 * - Moments without a zone are taken as UTC where the column's have one.
 */
import { z } from 'zod';

/** A value to compare with: text for texts, dates and moments, and for numbers of more digits than a double keeps. */
export const FilterValue = z.union([z.string().max(200), z.number(), z.boolean()]);
export type FilterValue = z.infer<typeof FilterValue>;

const column = z.string().min(1).max(300);

/** How long ago rows begin. */
const Ago = z.strictObject({
  count: z.int().min(1).max(10_000),
  unit: z.enum(['days', 'weeks', 'months', 'years']),
});

/**
 * One condition on one column. `within-last`: from midnight (UTC) of the day that was so long before the run was started,
 * with no end.
 */
export const FilterCondition = z.discriminatedUnion('operator', [
  z.strictObject({ column, operator: z.enum(['eq', 'ne', 'lt', 'le', 'gt', 'ge']), value: FilterValue }),
  z.strictObject({
    column,
    operator: z.enum(['in', 'not-in']),
    values: z.array(FilterValue).min(1).max(500),
  }),
  z.strictObject({ column, operator: z.enum(['null', 'not-null']) }),
  z.strictObject({ column, operator: z.literal('within-last'), last: Ago }),
]);
export type FilterCondition = z.infer<typeof FilterCondition>;

/** Whether all conditions must hold, or any one. */
const match = z.enum(['all', 'any']);

/** Conditions and groups of conditions: two levels say whatever can be said by and, or. */
export const RowFilter = z
  .strictObject({
    match,
    conditions: z
      .array(
        z.union([
          FilterCondition,
          z.strictObject({ match, conditions: z.array(FilterCondition).min(1).max(50) }),
        ]),
      )
      .min(1)
      .max(50),
  })
  .refine((filter) => JSON.stringify(filter).length <= 20_000, {
    error: 'must have at most 20,000 characters in all',
  });
export type RowFilter = z.infer<typeof RowFilter>;

/** Every condition of `filter`, those in groups too. */
export function conditionsOf(filter: RowFilter): FilterCondition[] {
  return filter.conditions.flatMap((one) => ('match' in one ? one.conditions : [one]));
}

/** The columns that `filter` looks at, each once. */
export function filteredColumns(filter: RowFilter): string[] {
  return [...new Set(conditionsOf(filter).map((one) => one.column))];
}
