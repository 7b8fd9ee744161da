/** The name of the unit at `index` of a table's plan: names are in the order of the plan for as many as there can be. */
export function unitName(index: number): string {
  return `u${String(index).padStart(5, '0')}`;
}
