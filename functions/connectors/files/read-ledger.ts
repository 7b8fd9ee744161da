/**
 * Which files of a pattern have been read, as the value of a cursor.
 *
 * It lists every file that was there when it was read (address and generation), each by 96 bits of its SHA-256. A file is
 * new when the list does not have it, whatever its name or age: one that arrives late, or replaces another, is another
 * entry. A file that is gone, or was replaced, never comes back with its old generation, so the list may forget it and
 * holds no more than one listing: 160 kB for 10,000 files, 16 characters each. The chance that one of 10,000 new files is
 * taken for one of 10,000 old ones is 1 in 10^21.
 *
 * A newest time or name would be shorter, and wrong: generations of different objects have no order that is promised, and
 * names have none at all.
 */
import { createHash } from 'node:crypto';
import { TerminalError } from '#core/errors';
import type { ObjectVersion } from '../connector.ts';

const MARK_BYTES = 12;
/** Base64 of 12 bytes: no padding. */
const MARK_LENGTH = 16;
const LEDGER = /^\d+ files?:((?:[A-Za-z0-9_-]{16})*)$/;

function markOf({ uri, generation }: ObjectVersion): string {
  const digest = createHash('sha256').update(`${uri}\n${generation}`, 'utf8').digest();
  return digest.subarray(0, MARK_BYTES).toString('base64url');
}

/** The ledger of `files`, the same for the same files in any order. */
export function ledgerOf(files: readonly ObjectVersion[]): string {
  const marks = files.map(markOf).sort();
  return `${marks.length} ${marks.length === 1 ? 'file' : 'files'}:${marks.join('')}`;
}

/** Those of `files` that `ledger` does not have; all of them where it is null. Terminal `cursor-unknown`. */
export function unreadFiles(
  files: readonly ObjectVersion[],
  ledger: string | null,
): readonly ObjectVersion[] {
  if (ledger === null) return files;
  const marks = LEDGER.exec(ledger)?.[1];
  if (marks === undefined)
    throw new TerminalError(
      'cursor-unknown',
      `"${ledger.slice(0, 60)}" does not say which files were read.`,
      {
        remedy: 'Load the table once with the mode replace; after that it can be appended to again.',
      },
    );
  const read = new Set<string>();
  for (let at = 0; at < marks.length; at += MARK_LENGTH) read.add(marks.slice(at, at + MARK_LENGTH));
  return files.filter((file) => !read.has(markOf(file)));
}
