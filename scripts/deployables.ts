import { globSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Deploy } from '../functions/runtime/deploy.ts';

export const ROOT = join(import.meta.dirname, '..');

/** One entry file: a function or a container. */
export interface Deployable {
  /** `<folder>-<first part of the file name>`, e.g. `etl-api`. */
  readonly name: string;
  /** Path below the project's folder. */
  readonly file: string;
}

/** Every deployable, by name: the listing of `functions/**` is the deployment map. */
export function listDeployables(root: string = ROOT): Deployable[] {
  return globSync('functions/*/*.{fn,job,service}.ts', { cwd: root })
    .map((file) => ({ name: `${basename(dirname(file))}-${basename(file).split('.')[0] ?? ''}`, file }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** How a deployable is deployed: its file's `deploy` export. */
export async function readDeploy(deployable: Deployable, root: string = ROOT): Promise<Deploy> {
  // The architecture test proves that every entry exports a Deploy.
  const entry = (await import(pathToFileURL(join(root, deployable.file)).href)) as { deploy: Deploy };
  return entry.deploy;
}
