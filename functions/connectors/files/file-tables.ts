/** The tables of a source of files: one for each address, and one for each pattern of addresses. */
import { TerminalError } from '#core/errors';
import type { ObjectReader, ObjectVersion } from '../connector.ts';
import { isPattern, makeMatcher, prefixOf } from './pattern.ts';

/** One table: the object at `uri`, or all objects that match it. */
export interface FileTable {
  readonly name: string;
  readonly uri: string;
  readonly pattern: boolean;
}

/** Objects of one table at most. */
export const MAX_FILES = 10_000;
/** Objects that are looked at for them: a pattern that matches few of very many takes too long to be meant. */
const MAX_LISTED = 200_000;

/** The tables of `uris` by name: the last part of each, the whole address where two are the same; a pattern as it is. */
export function fileTables(uris: readonly string[]): ReadonlyMap<string, FileTable> {
  const names = uris.map(lastPart);
  return new Map(
    uris.map((uri) => {
      const pattern = isPattern(uri);
      const alone = names.filter((name) => name === lastPart(uri)).length === 1;
      const name = pattern || !alone ? uri : lastPart(uri);
      return [name, { name, uri, pattern }];
    }),
  );
}

function lastPart(uri: string): string {
  const path = uri.startsWith('https://') ? uri.replace(/[?#].*$/s, '') : uri;
  return path.slice(path.lastIndexOf('/') + 1) || uri;
}

/** The newest version of `uri`. Terminal `object-not-found`. */
export async function findObject(objects: ObjectReader, uri: string): Promise<ObjectVersion> {
  const found = await objects.stat(uri);
  if (found === null)
    throw new TerminalError('object-not-found', `There is no object ${uri}.`, {
      remedy: 'Check the address, or upload the file again.',
    });
  return found;
}

/** The newest versions of what `table` consists of, by name. Terminal `object-not-found`, `too-many-files`. */
export async function findFiles(
  objects: ObjectReader,
  { uri, pattern }: FileTable,
): Promise<readonly ObjectVersion[]> {
  if (!pattern) return [await findObject(objects, uri)];
  const matches = makeMatcher(uri);
  const found: ObjectVersion[] = [];
  let listed = 0;
  for await (const page of objects.list(prefixOf(uri))) {
    listed += page.length;
    // Folders are objects of no bytes for some programs.
    found.push(...page.filter((file) => !file.uri.endsWith('/') && matches(file.uri)));
    if (found.length > MAX_FILES || listed > MAX_LISTED)
      throw new TerminalError(
        'too-many-files',
        found.length > MAX_FILES
          ? `More than ${MAX_FILES} files match ${uri}.`
          : `More than ${MAX_LISTED} objects begin as ${uri} does.`,
        { remedy: 'Name a folder with fewer files, or put several of them together into one.' },
      );
  }
  if (found.length > 0) return found;
  throw new TerminalError('object-not-found', `No file matches ${uri}.`, {
    remedy: 'Check the pattern: * stands for any part of a name within a folder, ** for folders as well.',
  });
}
