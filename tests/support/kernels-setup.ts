import { ensureKernels } from '#scripts/kernels';

/** Compiles the recommender's kernels where their sources have changed: before any test. */
// jest takes the default export.
export default function setup(): void {
  ensureKernels();
}
