import { damaged } from './artifact.ts';

/**
 * What loading checks before anything is computed from an artifact's arrays: a digest proves that a file is as it was
 * written, not that its arrays fit together. All throw TerminalError `artifact-damaged`.
 */

/** `values` has `length` entries. */
export function requireLength(name: string, values: { readonly length: number }, length: number): void {
  if (values.length !== length) throw damaged(`${name} has ${values.length} entries, not ${length}`);
}

/**
 * `index` holds `rows` rows of ascending ids from 0 to `below`-1, row r from indptr[r] to indptr[r+1]-1. Time grows with
 * the entries.
 */
export function requireRows(
  name: string,
  { indptr, index }: { readonly indptr: Int32Array; readonly index: Int32Array },
  rows: number,
  below: number,
): void {
  requireLength(`${name}, its row starts`, indptr, rows + 1);
  if (indptr[0] !== 0) throw damaged(`${name} begins at ${indptr[0]}, not at 0`);
  for (let row = 0; row < rows; row++)
    if (indptr[row + 1]! < indptr[row]!)
      throw damaged(`${name}, row ${row}, ends at ${indptr[row + 1]} before it begins at ${indptr[row]}`);
  requireLength(name, index, indptr[rows]!);
  for (let row = 0; row < rows; row++)
    for (let p = indptr[row]!, former = -1; p < indptr[row + 1]!; p++) {
      const id = index[p]!;
      if (id <= former || id >= below)
        throw damaged(
          `${name}, row ${row}, has ${id} after ${former} where ids ascend from 0 to ${below - 1}`,
        );
      former = id;
    }
}
