import { ensureKernels } from '#scripts/kernels';
import { setup as startLocalCloud } from './local-cloud.ts';

// jest takes the default export.
export default async function setup(): Promise<void> {
  // Containers carry them.
  ensureKernels();
  await startLocalCloud();
}
