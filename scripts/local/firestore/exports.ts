import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** An export is whole when the emulator has written this file, which it does last. */
const metadata = (name: string): string => `${name}.overall_export_metadata`;
const KEEP = 2;

/** The metadata file of the newest whole export under `folder`, or null where there is none. */
export function newestExport(folder: string): string | null {
  const name = wholeExports(folder)[0];
  return name === undefined ? null : join(folder, name, metadata(name));
}

/** Asks the emulator at `origin` to export everything into a new folder under `folder`. */
export async function exportTo(folder: string, origin: string, project: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const response = await fetch(`${origin}/emulator/v1/projects/${project}:export`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      database: `projects/${project}/databases/(default)`,
      export_directory: folder,
      export_name: `export-${String(nextNumber(folder)).padStart(9, '0')}`,
    }),
  });
  if (!response.ok) throw new Error(`export answered ${response.status}: ${await response.text()}`);
}

/** Keeps the two newest whole exports; removes the others and what a kill left half written. */
export function removeOldExports(folder: string): void {
  const keep = new Set(wholeExports(folder).slice(0, KEEP));
  for (const name of allExports(folder))
    if (!keep.has(name)) rmSync(join(folder, name), { recursive: true, force: true });
}

function allExports(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => /^export-\d{9}$/.test(name))
    .sort()
    .toReversed();
}

function wholeExports(folder: string): string[] {
  return allExports(folder).filter((name) => existsSync(join(folder, name, metadata(name))));
}

function nextNumber(folder: string): number {
  return Number(allExports(folder)[0]?.slice('export-'.length) ?? 0) + 1;
}
