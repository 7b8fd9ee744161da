import { sweepRows, type SweepMemory } from './inverse.ts';
import { addGram, makeScratch, solveRow, type FixedSide, type Scratch } from './ials-kernel.ts';
import { makeTiledScratch, solveRowTiled, type TiledScratch } from './ials-tile.ts';

/** Work that threads take in chunks. All arrays lie on shared memory, so a job is sent without copying. */
export type Job =
  | {
      readonly kernel: 'solve';
      readonly side: FixedSide;
      readonly indptr: Int32Array;
      readonly index: Int32Array;
      readonly weight: Float32Array;
      readonly out: Float32Array;
    }
  | {
      readonly kernel: 'gram';
      readonly factors: Float32Array;
      readonly d: number;
      readonly rows: number;
      /** Part n covers its share of the rows and writes its own d × d block: sums do not depend on who computed them. */
      readonly parts: number;
      readonly gram: Float64Array;
    }
  | { readonly kernel: 'sweep'; readonly space: SweepMemory; readonly block: number };

/** This thread's memory, by number of factors. */
const plain = new Map<number, Scratch>();
const tiled = new Map<number, TiledScratch>();

function kept<T>(known: Map<number, T>, d: number, make: (d: number) => T): T {
  const found = known.get(d) ?? make(d);
  known.set(d, found);
  return found;
}

/** Does units [from, to) of `job`. */
export function runChunk(job: Job, from: number, to: number): void {
  if (job.kernel === 'gram') {
    const { factors, d, rows, parts, gram } = job;
    for (let part = from; part < to; part++)
      addGram(
        factors,
        d,
        Math.floor((rows * part) / parts),
        Math.floor((rows * (part + 1)) / parts),
        gram,
        part * d * d,
      );
    return;
  }
  if (job.kernel === 'sweep') {
    for (let unit = from; unit < to; unit++) sweepRows(job.space, job.block, unit);
    return;
  }
  const { side, indptr, index, weight, out } = job;
  const { d } = side;
  for (let row = from; row < to; row++) {
    const [start, end] = [indptr[row]!, indptr[row + 1]!];
    // Packing a few entries costs more than the tile saves.
    if (d % 8 === 0 && end - start >= 8)
      solveRowTiled(side, index, weight, start, end, kept(tiled, d, makeTiledScratch), out, row * d);
    else solveRow(side, index, weight, start, end, kept(plain, d, makeScratch), out, row * d);
  }
}
