/** A compressed sparse matrix whose arrays threads share. `weight` is null where every entry counts 1. */
export interface SharedSparse {
  readonly rows: number;
  readonly columns: number;
  readonly indptr: Int32Array;
  readonly index: Int32Array;
  readonly weight: Float32Array | null;
}

/** Observed pairs by row and by column: 8 bytes each, or 16 with weights, in memory of their own beside the kernels'. */
export interface Pairs {
  readonly byRow: SharedSparse;
  readonly byColumn: SharedSparse;
}

/** Integers that threads can share. */
export const sharedInts = (length: number) => new Int32Array(new SharedArrayBuffer(length * 4));
/** Floats that threads can share. */
export const sharedFloats = (length: number) => new Float32Array(new SharedArrayBuffer(length * 4));

/** `matrix` and its transpose where threads can share them; what already lies on shared memory is not copied. */
export function makePairs(matrix: SharedSparse): Pairs {
  const { rows, columns, indptr, index, weight } = matrix;
  const entries = indptr[rows]!;
  const byRow = {
    rows,
    columns,
    indptr: isShared(indptr) ? indptr : copied(indptr, sharedInts(rows + 1)),
    index: isShared(index) ? index : copied(index, sharedInts(entries)),
    weight: weight === null || isShared(weight) ? weight : copied(weight, sharedFloats(entries)),
  };
  const starts = sharedInts(columns + 1);
  const [owner, moved] = [sharedInts(entries), weight === null ? null : sharedFloats(entries)];
  for (let p = 0; p < entries; p++) starts[index[p]! + 1]!++;
  for (let c = 0; c < columns; c++) starts[c + 1]! += starts[c]!;
  const next = starts.slice();
  for (let row = 0; row < rows; row++)
    for (let p = indptr[row]!; p < indptr[row + 1]!; p++) {
      const to = next[index[p]!]!++;
      owner[to] = row;
      if (moved) moved[to] = weight![p]!;
    }
  const byColumn = { rows: columns, columns: rows, indptr: starts, index: owner, weight: moved };
  return { byRow, byColumn };
}

const isShared = ({ buffer }: { readonly buffer: ArrayBufferLike }) => buffer instanceof SharedArrayBuffer;

function copied<T extends Int32Array | Float32Array>(values: T, to: T): T {
  to.set(values);
  return to;
}
