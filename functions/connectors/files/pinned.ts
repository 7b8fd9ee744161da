/**
 * Whether a generation tells one version of a file from every other. Of a web server that says nothing of versions it is the
 * length alone, which shows that a file is another only where it is longer or shorter.
 */
import { TerminalError, TransientError } from '#core/errors';
import type { ObjectVersion } from '../connector.ts';

const LENGTH = 'length:';

/** The generation of a file of which no more than its length is known. */
export function lengthGeneration(bytes: number): string {
  return `${LENGTH}${bytes}`;
}

/** Whether `file` can be told from its other versions. */
export function isPinned({ generation }: ObjectVersion): boolean {
  return !generation.startsWith(LENGTH);
}

/**
 * What stands for a reading of a file whose versions nobody can tell apart: never what stood for the one before, so that it
 * counts as changed every time.
 */
export function nextReading({ generation }: ObjectVersion, after: string | null): string {
  const before = /^length:\d+#(\d{1,15})$/.exec(after ?? '')?.[1];
  return `${generation}#${Number(before ?? 0) + 1}`;
}

/** Terminal `generation-unknown` unless `file` can be told from its other versions; `otherwise`: what else would do. */
export function mustBePinned(file: ObjectVersion, otherwise: string): void {
  if (isPinned(file)) return;
  throw new TerminalError(
    'generation-unknown',
    `The server of ${file.uri} does not say when the file changes.`,
    {
      remedy: `${otherwise}, or have the server send an ETag or Last-Modified.`,
    },
  );
}

/** The generation that was being read is gone: the file was replaced or removed. */
export function objectChanged(uri: string, cause?: unknown): TransientError {
  return new TransientError('object-changed', `${uri} was replaced or removed while it was read.`, {
    remedy: 'Run it again, at a time when nobody replaces the file.',
    ...(cause === undefined ? {} : { cause }),
  });
}
