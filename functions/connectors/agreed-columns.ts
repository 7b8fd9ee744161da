/** Whether a table still has the columns that were agreed on when it was discovered. */
import { type Column, wireTypeOf } from '#core/column';
import { TerminalError } from '#core/errors';

const remedy = 'It changed while it was being read, and nothing of it was published: load it again.';

/**
 * The plan of column `agreed` among `plans`, which say how `table` is now. Terminal `column-changed` where the column is
 * gone or would arrive in another form.
 */
export function planOf<P extends { readonly column: Column }>(
  plans: readonly P[],
  agreed: Column,
  table: string,
): P {
  const plan = plans.find(({ column }) => column.name === agreed.name);
  if (plan === undefined)
    throw new TerminalError(
      'column-changed',
      `Table ${table} has no readable column "${agreed.name}" any more.`,
      { remedy },
    );
  const { column } = plan;
  const same =
    wireTypeOf(column.type) === wireTypeOf(agreed.type) &&
    column.precision === agreed.precision &&
    column.scale === agreed.scale;
  if (!same)
    throw new TerminalError(
      'column-changed',
      `Column "${agreed.name}" of ${table} was ${agreed.sourceType} and is now ${column.sourceType}.`,
      { remedy },
    );
  return plan;
}
