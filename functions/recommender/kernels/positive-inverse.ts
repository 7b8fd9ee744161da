import type { Onnx } from '../onnx/runtime.ts';
import { BLOCK, makeSweepMemory, sweep } from './inverse.ts';
import type { Pool } from './pool.ts';
import { fullRows, makeTiles, sweepTiles, type Tiles } from './tiled-inverse.ts';

/** The inverse of a symmetric positive definite matrix, n × n, read by rows. */
export interface Inverse {
  entry(i: number): number;
  /** Row i into `into` (n long); cheapest in ascending order. */
  row(i: number, into: Float32Array): void;
  /** Rows that are read together. */
  readonly height: number;
  /** Floats from one row to the next where `negativeRows` writes. */
  readonly stride: number;
  /**
   * Minus the inverse's rows from `from` on, a multiple of `height`, into `into`: height × stride floats, of which those of
   * rows and columns beyond n mean nothing.
   */
  negativeRows(from: number, into: Float32Array): void;
}

export interface InverseTools {
  readonly pool: Pool;
  /** Without it the WebAssembly kernels do all the work: the same up to rounding, at a third of the speed. */
  readonly onnx: Onnx | null;
  readonly signal?: AbortSignal;
  /** Work done so far, 0 … 1. */
  readonly onProgress?: (share: number) => void;
  /** Rows of a tile for ONNX Runtime; by default what the size asks for. */
  readonly tile?: number;
}

/** Below it ONNX Runtime gains less than a tenth of a second. */
const TILES_FROM = 2048;

/**
 * Inverts the matrix whose entries j ≥ i of row i `fill` adds to the zeros of `row`, and gives it to `use`, after which it
 * is gone. Single precision. Threads do not change the result; whether ONNX Runtime is there changes its rounding. Memory:
 * 2 n² bytes with ONNX Runtime, 4 n² without (at most 4 GiB: n = 32,000).
 */
export async function withInverse<T>(
  n: number,
  fill: (i: number, row: Float32Array) => void,
  tools: InverseTools,
  use: (inverse: Inverse) => Promise<T>,
): Promise<T> {
  const { pool, onnx, signal, onProgress } = tools;
  if (onnx !== null && (tools.tile !== undefined || n >= TILES_FROM)) {
    const tiles = makeTiles(n, tools.tile ?? tileOf(n));
    fillTiles(tiles, n, fill);
    await sweepTiles(tiles, onnx, pool, (done, of) => {
      signal?.throwIfAborted();
      onProgress?.(done / of);
    });
    return use(inverseOfTiles(tiles));
  }
  return pool.withArena(async (arena) => {
    const space = makeSweepMemory(arena, n);
    const { values, size } = space;
    for (let i = 0; i < size; i++)
      if (i < n) fill(i, values.subarray(i * size, i * size + n));
      else values[i * size + i] = 1;
    await sweep(space, pool, signal);
    onProgress?.(1);
    return use(
      readable({
        entry: (i) => -values[i * size + i]!,
        height: BLOCK,
        stride: size,
        negativeRows: (from, into) => fullRowsOf(values, size, from, into),
      }),
    );
  });
}

/** Near what ONNX Runtime multiplies fastest, and so that the last row of tiles is hardly larger than it must be. */
function tileOf(n: number): number {
  const count = Math.round(n / (n < 6000 ? 512 : 1024));
  return Math.ceil(n / count / 16) * 16;
}

function fillTiles(
  { size, tile, rows }: Tiles,
  n: number,
  fill: (i: number, row: Float32Array) => void,
): void {
  const row = new Float32Array(size);
  for (let i = 0; i < size; i++) {
    row.fill(0);
    if (i < n) fill(i, row.subarray(0, n));
    else row[i] = 1;
    const [block, at] = [Math.floor(i / tile), (i % tile) * tile];
    rows[block]!.forEach((values, j) =>
      values.set(row.subarray((block + j) * tile, (block + j + 1) * tile), at),
    );
    // The tile on the diagonal is wanted in full.
    const diagonal = rows[block]![0]!;
    for (let j = i - block * tile; j < tile; j++) diagonal[j * tile + (i % tile)] = row[block * tile + j]!;
  }
}

function inverseOfTiles(tiles: Tiles): Inverse {
  const { size, tile, rows } = tiles;
  return readable({
    entry: (i) => -rows[Math.floor(i / tile)]![0]![(i % tile) * (tile + 1)]!,
    height: tile,
    stride: size,
    negativeRows: (from, into) => fullRows(tiles, from / tile, into),
  });
}

/** Rows [from, from + BLOCK) of the symmetric matrix whose upper half `values` holds, in full. */
function fullRowsOf(values: Float32Array, size: number, from: number, into: Float32Array): void {
  for (let r = 0; r < BLOCK; r++) {
    const row = (from + r) * size;
    into.set(values.subarray(row + from + r, row + size), r * size + from + r);
  }
  // Along the rows of what is read, which lies far apart down its columns.
  for (let j = 0; j < from + BLOCK; j++)
    for (let r = Math.max(0, j - from + 1); r < BLOCK; r++) into[r * size + j] = values[j * size + from + r]!;
}

/** Single rows, from those that are read together. */
function readable(inverse: Omit<Inverse, 'row'>): Inverse {
  const { height, stride } = inverse;
  let block: Float32Array | undefined;
  let known = -1;
  return {
    ...inverse,
    row: (i, into) => {
      block ??= new Float32Array(height * stride);
      const from = i - (i % height);
      if (from !== known) inverse.negativeRows(from, block);
      known = from;
      const at = (i - from) * stride;
      for (let j = 0; j < into.length; j++) into[j] = -block[at + j]!;
    },
  };
}
