/* What a table takes of its source's rows, by the traits of a story. Pure. */
import type { RowFilter } from '#core/row-filter';
import type { Item } from './history.ts';
import type { Trait } from './traits.ts';

/** A price that PostgreSQL keeps and no column of numbers in the warehouse can. */
export const MISFIT = 'NaN';

/** The filter of stories that have one. */
export const FILTER: RowFilter = {
  match: 'any',
  conditions: [
    { column: 'qty', operator: 'lt', value: 400 },
    {
      match: 'all',
      conditions: [
        { column: 'note', operator: 'null' },
        { column: 'qty', operator: 'ge', value: 700 },
      ],
    },
  ],
};

const passes = ({ qty, note }: Item): boolean => qty < 400 || (note === null && qty >= 700);

/** How a row arrives: null where it does not. */
export type See = (item: Item) => Item | null;

export const isMisfit = ({ price }: Item): boolean => price === MISFIT;

/** How rows arrive. Merging, a rejected one is another matter: its former version stays (`stays`). */
export function seeing(traits: readonly Trait[], stays: boolean): See {
  return (item) => {
    if (traits.includes('filtered') && !passes(item)) return null;
    if (!isMisfit(item)) return item;
    if (traits.includes('nulled')) return { ...item, price: null };
    return stays ? item : null;
  };
}
