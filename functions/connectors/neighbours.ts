/**
 * Neighbours joined, in their order, until each group has about `wanted` by `size`, into at most `most` groups; each item is in
 * one of them. Half an item too many is as good as half an item too few. Pure.
 */
export function joinNeighbours<T>(
  items: readonly T[],
  size: (item: T) => number,
  wanted: number,
  most: number,
): readonly (readonly [T, ...T[]])[] {
  const groups: [T, ...T[]][] = [];
  let sum = 0;
  for (const item of items) {
    const open = groups.at(-1);
    const full = sum + size(item) / 2 >= wanted;
    if (open === undefined || (full && groups.length < most)) {
      groups.push([item]);
      sum = 0;
    } else open.push(item);
    sum += size(item);
  }
  return groups;
}
