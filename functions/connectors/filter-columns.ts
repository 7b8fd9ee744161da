import { TerminalError } from '#core/errors';
import type { FilterDialect } from '#core/sql/row-filter';
import type { FilterLiteral } from '#core/typed-filter';

/** How a database writes the columns that it has described, and the values that they are compared with. */
export interface FilterWords<P> {
  /** Whether the column is null. */
  isNull(plan: P): string;
  /** What of the column is compared. */
  operand(plan: P): string;
  literal(plan: P, value: FilterLiteral): string;
  /** `condition`, which compares by order, so that it does not hold for NaN; left out where it never does. */
  withoutNaN?(condition: string, plan: P, operator: string): string;
}

interface Planned {
  readonly column: { readonly name: string };
}

/**
 * The dialect of a database over the columns of `table`.
 * @throws TerminalError `column-changed` (each of its methods) where the table has no column of that name any more
 */
export function columnDialect<P extends Planned>(
  plans: readonly P[],
  table: string,
  words: FilterWords<P>,
): FilterDialect {
  const planOf = (name: string): P => filteredPlan(plans, name, table);
  return {
    isNull: (name) => words.isNull(planOf(name)),
    oneOf(name, values, none) {
      const plan = planOf(name);
      const list = values.map((value) => words.literal(plan, value)).join(', ');
      return `${words.operand(plan)} ${none ? 'NOT IN' : 'IN'} (${list})`;
    },
    compare(name, operator, value) {
      const plan = planOf(name);
      const condition = `${words.operand(plan)} ${operator} ${words.literal(plan, value)}`;
      return words.withoutNaN?.(condition, plan, operator) ?? condition;
    },
  };
}

/**
 * The plan of the column that a row filter looks at.
 * @throws TerminalError `column-changed` where the table has none of that name any more
 */
export function filteredPlan<P extends Planned>(plans: readonly P[], name: string, table: string): P {
  const plan = plans.find(({ column }) => column.name === name);
  if (plan !== undefined) return plan;
  throw new TerminalError(
    'column-changed',
    `Rows of ${table} are chosen by "${name}", which it has no more.`,
    {
      remedy: 'Choose the rows of this table by another column.',
    },
  );
}

/** `text` (a FLOAT64) as the nearest number of single precision. */
export function singleText(text: string): string {
  const single = Math.fround(Number(text));
  return Number.isFinite(single) ? single.toExponential() : single > 0 ? 'Infinity' : '-Infinity';
}
