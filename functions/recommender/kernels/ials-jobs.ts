import { addGram, makeScratch, solveRow, type FixedSide, type Scratch } from './ials-kernel.ts';
import { makeTiledScratch, solveRowTiled, type TiledScratch } from './ials-tile.ts';
import type { Kernel } from './kernel.ts';

/** This thread's memory, by number of factors. */
const plain = new Map<number, Scratch>();
const tiled = new Map<number, TiledScratch>();

function kept<T>(known: Map<number, T>, d: number, make: (d: number) => T): T {
  const found = known.get(d) ?? make(d);
  known.set(d, found);
  return found;
}

/** Unit n: the share n of the rows, summed into its own d × d block: sums do not depend on who computed them. */
export const gramKernel: Kernel<{
  readonly factors: Float32Array;
  readonly d: number;
  readonly rows: number;
  readonly parts: number;
  readonly gram: Float64Array;
}> = {
  name: 'gram',
  work: ({ factors, d, rows, parts, gram }, from, to) => {
    for (let part = from; part < to; part++)
      addGram(
        factors,
        d,
        Math.floor((rows * part) / parts),
        Math.floor((rows * (part + 1)) / parts),
        gram,
        part * d * d,
      );
  },
};

/** Unit n: row n of `out`, solved against the fixed side. */
export const solveKernel: Kernel<{
  readonly side: FixedSide;
  readonly indptr: Int32Array;
  readonly index: Int32Array;
  readonly weight: Float32Array;
  readonly out: Float32Array;
}> = {
  name: 'solve',
  work: ({ side, indptr, index, weight, out }, from, to) => {
    const { d } = side;
    for (let row = from; row < to; row++) {
      const [start, end] = [indptr[row]!, indptr[row + 1]!];
      // Packing a few entries costs more than the tile saves.
      if (d % 8 === 0 && end - start >= 8)
        solveRowTiled(side, index, weight, start, end, kept(tiled, d, makeTiledScratch), out, row * d);
      else solveRow(side, index, weight, start, end, kept(plain, d, makeScratch), out, row * d);
    }
  },
};
