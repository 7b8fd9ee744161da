import type { SweepKernels } from '../wasm.ts';

/** `subtractPanels` in plain TypeScript, over `memory` from address 0. */
export function subtractPanelsPlainly(memory: Float32Array): SweepKernels['subtractPanels'] {
  return (left, right, result, stride, panels, depth) => {
    for (let p = 0; p < panels; p++)
      for (let r = 0; r < 4; r++)
        for (let q = 0; q < 8; q++) {
          let sum = 0;
          for (let t = 0; t < depth; t++)
            sum += memory[left / 4 + t * 4 + r]! * memory[right / 4 + (p * depth + t) * 8 + q]!;
          memory[(result + r * stride) / 4 + p * 8 + q]! -= sum;
        }
  };
}
