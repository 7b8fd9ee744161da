import { eigenKernel, gramKernel, rotateKernel } from './als-basis.ts';
import { rowsKernel } from './als-rows.ts';
import { easeRowsKernel } from './ease-rows.ts';
import { filterRowsKernel } from './filter-rows.ts';
import { spreadKernel } from './graph.ts';
import { sweepKernel } from './inverse.ts';
import type { Kernel } from './kernel.ts';

/** Every kernel that the pool's threads know: adding one is a file and a line here. */
const kernels = [
  easeRowsKernel,
  eigenKernel,
  filterRowsKernel,
  gramKernel,
  rotateKernel,
  rowsKernel,
  spreadKernel,
  sweepKernel,
] as const;

const byName = new Map<string, Kernel<never>>(kernels.map((kernel) => [kernel.name, kernel]));

/** The kernel called `name`. */
export function kernelNamed(name: string): Kernel<never> {
  const found = byName.get(name);
  if (!found) throw new Error(`No kernel is called "${name}": it is missing in kernels/jobs.ts.`);
  return found;
}
