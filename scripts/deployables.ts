import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Deploy } from '../functions/runtime/deploy.ts';
import { listDeployables as listIn } from './local/deployables.ts';

export const ROOT = join(import.meta.dirname, '..');

/** One entry file: a function or a container. */
export interface Deployable {
  /** `<folder>-<first part of the file name>`, e.g. `etl-api`. */
  readonly name: string;
  /** Path below the project's folder. */
  readonly file: string;
}

/** Every deployable of the project, by name: the listing of `functions/**` is the deployment map. */
export function listDeployables(): Deployable[] {
  return listIn(join(ROOT, 'functions')).map(({ name, file }) => ({ name, file: relative(ROOT, file) }));
}

/** How a deployable is deployed: its file's `deploy` export. */
export async function readDeploy(deployable: Deployable): Promise<Deploy> {
  // The architecture test proves that every entry exports a Deploy.
  const entry = (await import(pathToFileURL(join(ROOT, deployable.file)).href)) as { deploy: Deploy };
  return entry.deploy;
}
