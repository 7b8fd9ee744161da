import { TerminalError } from '#core/errors';

/**
 * The plan of the column that a row filter looks at.
 * @throws TerminalError `column-changed` where the table has none of that name any more
 */
export function filteredPlan<T extends { readonly column: { readonly name: string } }>(
  plans: readonly T[],
  name: string,
  table: string,
): T {
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
