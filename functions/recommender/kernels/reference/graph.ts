import type { GraphKernels } from '../wasm.ts';

/** The kernels of assembly/graph.ts in plain TypeScript, over the same memory: what they are tested against. */
export function graphReference(memory: ArrayBufferLike): GraphKernels {
  const floats = new Float32Array(memory);
  const ints = new Int32Array(memory);
  return {
    spreadRows: (y, x, k, indptr, index, rowScale, columnScale, from, to) => {
      for (let r = from; r < to; r++)
        for (let j = 0; j < k; j++) {
          let sum = 0;
          for (let p = ints[indptr / 4 + r]!; p < ints[indptr / 4 + r + 1]!; p++) {
            const column = ints[index / 4 + p]!;
            sum += floats[columnScale / 4 + column]! * floats[x / 4 + column * k + j]!;
          }
          floats[y / 4 + r * k + j] = floats[rowScale / 4 + r]! * sum;
        }
    },
    addScaled: (y, x, a, count) => {
      for (let n = 0; n < count; n++) floats[y / 4 + n]! += Math.fround(a) * floats[x / 4 + n]!;
    },
    subtractGroups: (result, packed, vector, depth, groups) => {
      for (let g = 0; g < groups; g++)
        for (let r = 0; r < 4; r++) {
          let sum = 0;
          for (let t = 0; t < depth; t++)
            sum += floats[packed / 4 + (g * depth + t) * 4 + r]! * floats[vector / 4 + t]!;
          floats[result / 4 + g * 4 + r]! -= sum;
        }
    },
  };
}
