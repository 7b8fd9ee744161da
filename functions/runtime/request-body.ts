import type { IncomingMessage } from 'node:http';
import { TerminalError, TransientError } from '#core/errors';

/** The longest body taken, in bytes. Files go to an upload address, never through here. */
export const BODY_LIMIT = 1_000_000;

/**
 * The body's bytes as sent, before anything is known of who sends them: so never more than BODY_LIMIT are kept, and
 * nothing is unpacked (58 KB of gzip can hold 60 MB). What is refused is read off without being kept, so that the refusal
 * reaches the sender.
 * @throws TerminalError `too-large`, `unsupported-media-type`; TransientError `request-aborted` where the sender went away.
 */
export function readBody(request: IncomingMessage): Promise<Uint8Array> {
  const refusal = refused(request);
  if (refusal !== null) {
    request.resume();
    return Promise.reject(refusal);
  }
  return new Promise((resolve, reject) => {
    let chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.byteLength;
      if (bytes <= BODY_LIMIT) chunks.push(chunk);
      else {
        chunks = [];
        reject(tooLarge());
      }
    });
    request.once('end', () => resolve(Buffer.concat(chunks)));
    const aborted = (cause?: unknown) =>
      reject(new TransientError('request-aborted', 'The request broke off before its end.', { cause }));
    request.once('error', aborted);
    request.once('close', aborted);
  });
}

function refused(request: IncomingMessage): TerminalError | null {
  const encoding = (request.headers['content-encoding'] ?? 'identity').toLowerCase();
  if (encoding !== 'identity')
    return new TerminalError('unsupported-media-type', `The body is encoded as "${encoding.slice(0, 60)}".`, {
      remedy: 'Send it as it is, without Content-Encoding.',
    });
  return Number(request.headers['content-length'] ?? 0) > BODY_LIMIT ? tooLarge() : null;
}

function tooLarge(): TerminalError {
  return new TerminalError('too-large', `The body is over ${BODY_LIMIT} bytes.`, {
    remedy: 'Send less at once; upload files to an upload address.',
  });
}
