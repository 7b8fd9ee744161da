import { setImmediate } from 'node:timers/promises';
import type { Onnx, Shaped } from '../onnx/runtime.ts';
import type { Operator, TensorSpec } from '../onnx/model.ts';
import { makeSweepMemory, sweep } from './inverse.ts';
import type { Pool } from './pool.ts';

/**
 * The inverse of a large symmetric positive definite matrix in square tiles, by the sweep of inverse.ts over whole tiles:
 * their products, n³ multiply-adds / 2, are ONNX Runtime's, whose vectors are wider than WebAssembly's; only the tiles on
 * the diagonal are swept in WebAssembly. Single precision, 2 n² bytes and 4 n · tile bytes beside them.
 */
export interface Tiles {
  /** Rows and columns, a multiple of `tile`. */
  readonly size: number;
  readonly tile: number;
  /** Row I of tiles, from the diagonal on: rows[I][J - I] holds A's block (I, J), row-major, tile × tile. */
  readonly rows: readonly Float32Array<ArrayBuffer>[][];
}

/** An n × n matrix, zero; rows beyond n are to be made the identity by the caller. */
export function makeTiles(n: number, tile: number): Tiles {
  const count = Math.ceil(n / tile);
  const rows = Array.from({ length: count }, (_, row) =>
    Array.from({ length: count - row }, () => new Float32Array(tile * tile)),
  );
  return { size: count * tile, tile, rows };
}

/** Replaces the upper half by that of minus the inverse. */
export async function sweepTiles(
  tiles: Tiles,
  onnx: Onnx,
  pool: Pool,
  onBlock: (done: number, of: number) => void,
): Promise<void> {
  const { tile, rows } = tiles;
  const products = await makeProducts(onnx, tile, pool.threads);
  // V_j = P·A_kj, of columns left of k its transpose A_jk·P: as it will lie in the upper half, so that it need not be turned.
  const scaled = rows.map(() => new Float32Array(tile * tile));
  let spare = new Float32Array(tile * tile);
  const turned = new Float32Array(tile * tile);
  try {
    for (let k = 0; k < rows.length; k++) {
      const pivot = await invertTile(rows[k]![0]!, tile, pool);
      for (let j = 0; j < rows.length; j++) {
        if (j > k) await products.multiply(pivot, rows[k]![j - k]!, scaled[j]!);
        if (j < k) await products.multiply(rows[j]![k - j]!, pivot, scaled[j]!);
      }
      for (let i = 0; i < rows.length; i++) {
        if (i === k) continue;
        // Turned here once: ONNX Runtime takes a quarter longer for each product whose left factor it turns.
        if (i > k) turnTile(rows[k]![i - k]!, tile, turned, tile);
        const beside = i < k ? rows[i]![k - i]! : turned;
        for (let j = i; j < rows.length; j++) {
          if (j === k) continue;
          const old = rows[i]![j - i]!;
          await products.subtract(beside, scaled[j]!, j < k, old, spare);
          rows[i]![j - i] = spare;
          spare = old;
        }
      }
      for (let j = 0; j < rows.length; j++) {
        const [row, at] = j > k ? [rows[k]!, j - k] : [rows[j]!, k - j];
        if (j !== k) [row[at], scaled[j]] = [scaled[j]!, row[at]!];
      }
      const diagonal = rows[k]![0]!;
      for (let n = 0; n < diagonal.length; n++) diagonal[n] = -pivot[n]!;
      await setImmediate();
      onBlock(k + 1, rows.length);
    }
  } finally {
    await products.close();
  }
}

/** The rows of block row `block` in full, tile × size: what lies left of the diagonal is read from above it. */
export function fullRows({ tile, size, rows }: Tiles, block: number, into: Float32Array): void {
  for (let j = 0; j < block; j++) turnTile(rows[j]![block - j]!, tile, into.subarray(j * tile), size);
  for (let j = block; j < rows.length; j++) {
    const source = rows[block]![j - block]!;
    for (let r = 0; r < tile; r++) into.set(source.subarray(r * tile, (r + 1) * tile), r * size + j * tile);
  }
}

/** to = fromᵀ, rows of `to` `stride` apart; in pieces of few rows, which lie at the same place of the cache if tiles are large. */
function turnTile(from: Float32Array, tile: number, to: Float32Array, stride: number): void {
  for (let a = 0; a < tile; a += 16)
    for (let b = 0; b < tile; b += 8)
      for (let j = b; j < Math.min(tile, b + 8); j++)
        for (let i = a; i < Math.min(tile, a + 16); i++) to[j * stride + i] = from[i * tile + j]!;
}

async function makeProducts(onnx: Onnx, tile: number, threads: number) {
  const spec = (name: string): TensorSpec => ({ name, type: 'float', shape: [tile, tile] });
  const prepare = (operator: Operator) =>
    onnx.prepare([operator], operator.inputs.map(spec), operator.outputs.map(spec), threads);
  const shaped = (values: Float32Array): Shaped => ({ values, shape: [tile, tile] });
  const subtraction = (transB: number) =>
    prepare({
      op: 'Gemm',
      inputs: ['a', 'b', 'c'],
      outputs: ['d'],
      attributes: { transB, alpha: { float: -1 }, beta: { float: 1 } },
    });
  const multiply = await prepare({ op: 'MatMul', inputs: ['a', 'b'], outputs: ['c'] });
  const [plain, turning] = [await subtraction(0), await subtraction(1)];
  return {
    /** c = a·b. */
    multiply: (a: Float32Array, b: Float32Array, c: Float32Array) =>
      multiply.run({ a: shaped(a), b: shaped(b) }, { c: shaped(c) }),
    /** d = c - a·b, or c - a·bᵀ where b lies turned. */
    subtract: (a: Float32Array, b: Float32Array, turned: boolean, c: Float32Array, d: Float32Array) =>
      (turned ? turning : plain).run({ a: shaped(a), b: shaped(b), c: shaped(c) }, { d: shaped(d) }),
    close: async () => {
      for (const each of [multiply, plain, turning]) await each.close();
    },
  };
}

/** The inverse of one tile, in full. */
async function invertTile(values: Float32Array, tile: number, pool: Pool): Promise<Float32Array> {
  return pool.withArena(async (arena) => {
    const space = makeSweepMemory(arena, tile);
    const { size } = space;
    for (let i = 0; i < size; i++)
      for (let j = i; j < size; j++)
        space.values[i * size + j] = i < tile && j < tile ? values[i * tile + j]! : i === j ? 1 : 0;
    await sweep(space, pool);
    const inverse = new Float32Array(tile * tile);
    for (let i = 0; i < tile; i++)
      for (let j = i; j < tile; j++)
        inverse[i * tile + j] = inverse[j * tile + i] = -space.values[i * size + j]!;
    return inverse;
  });
}
