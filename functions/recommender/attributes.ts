import type { Attribute, Condition } from '#core/api/selection';
import { addBit, keepBits, makeBits, removeBit, type Bits } from './bits.ts';
import type { Catalogue } from './data.ts';

/** One attribute of the items: which of its values each has. */
export interface AttributeIndex {
  /** Value number per item; -1 for none. */
  readonly group: Int32Array;
  /** The ids of the items that have a value, ascending; none for an unknown one. */
  readonly itemsWith: (value: string) => Int32Array;
}

export type AttributeIndexes = Readonly<Record<Attribute, AttributeIndex>>;

/** The attributes that a catalogue has, made ready for filters. O(items). */
export function indexAttributes(items: Catalogue): AttributeIndexes {
  const none = () => items.keys.map(() => null);
  return {
    category: indexValues(items.categories ?? none()),
    brand: indexValues(items.brands ?? none()),
  };
}

function indexValues(values: readonly (string | null)[]): AttributeIndex {
  const numbers = new Map<string, number>();
  const group = new Int32Array(values.length).fill(-1);
  values.forEach((value, item) => {
    if (value === null || value === '') return;
    const number = numbers.get(value) ?? numbers.size;
    numbers.set(value, number);
    group[item] = number;
  });
  const start = new Int32Array(numbers.size + 1);
  for (const number of group) if (number >= 0) start[number + 1]!++;
  for (let number = 0; number < numbers.size; number++) start[number + 1]! += start[number]!;
  const next = start.slice();
  const sorted = new Int32Array(start[numbers.size] ?? 0);
  group.forEach((number, item) => {
    if (number >= 0) sorted[next[number]!++] = item;
  });
  return {
    group,
    itemsWith: (value) => {
      const number = numbers.get(value);
      return number === undefined ? new Int32Array(0) : sorted.subarray(start[number], start[number + 1]);
    },
  };
}

/** The items that pass all `conditions`; null where there are none. Time grows with the items named by values, not with all. */
export function itemsPassing(
  attributes: AttributeIndexes,
  conditions: readonly Condition[],
  items: number,
): Bits | null {
  if (conditions.length === 0) return null;
  const passing = makeBits(items).fill(0xffff_ffff);
  for (const condition of conditions) {
    const { itemsWith } = attributes[condition.attribute];
    if ('in' in condition) {
      const named = makeBits(items);
      for (const value of new Set(condition.in)) for (const item of itemsWith(value)) addBit(named, item);
      keepBits(passing, named);
    } else
      for (const value of new Set(condition.notIn))
        for (const item of itemsWith(value)) removeBit(passing, item);
  }
  return passing;
}
