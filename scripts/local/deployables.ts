import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Something that is deployed by itself: a function, a container job, a container service. */
export interface Deployable {
  /** `<folder>-<basename>`, e.g. `etl-api`; also the name of its image. */
  readonly name: string;
  readonly kind: 'function' | 'job' | 'service';
  /** The entry file, absolute. */
  readonly file: string;
}

const ENTRY = /^(?<base>[a-z0-9-]+)\.(?<suffix>fn|job|service)\.ts$/;
const KINDS = { fn: 'function', job: 'job', service: 'service' } as const;

/**
 * The deployables under a `functions` folder, by name: one level of folders, entries recognised by their suffix
 * (`*.fn.ts`, `*.job.ts`, `*.service.ts`).
 */
export function listDeployables(functionsFolder: string): Deployable[] {
  return readdirSync(functionsFolder, { recursive: true, encoding: 'utf8' })
    .flatMap((path) => {
      const found = ENTRY.exec(basename(path))?.groups;
      const folder = dirname(path);
      if (found === undefined || folder === '.') return [];
      // The alternation in ENTRY allows exactly the keys of KINDS.
      const kind = KINDS[found['suffix'] as keyof typeof KINDS];
      const name = `${folder.replaceAll(/[\\/]/g, '-')}-${found['base']}`;
      return [{ name, kind, file: join(functionsFolder, path) }];
    })
    .sort((a, b) => a.name.localeCompare(b.name));
}

/** The name of the deployable an image holds: the last part of its path, without tag and digest. */
export function deployableOfImage(image: string): string {
  return (image.split('/').at(-1) ?? '').replace(/[:@].*$/, '');
}
