/**
 * The border between plain text and TLS in a session. The driver goes on with the stream that has read the handshake, and
 * with it whatever somebody on the way wrote behind the server's last word in plain text: it would be taken for an answer.
 */
import type { Transform } from 'node:stream';
import type { Connection } from 'tedious';

/** What the driver reads messages from. Its types keep it to themselves. */
interface MessageStream extends Transform {
  /** Bytes of messages that are not whole, or whose turn has not come. */
  readonly bl: { readonly length: number };
  readonly debug: unknown;
}

/**
 * To be called at the moment that TLS is agreed on, before anything was read from it: messages come from a new stream, and
 * nothing in the old one is ever parsed. The connection is destroyed where there is anything in it.
 */
export function leavePlainText(io: Connection['messageIo']): void {
  // Private in the driver's types, and all that it reads is in here.
  const reading = io as unknown as {
    incomingMessageStream: MessageStream;
    incomingMessageIterator: AsyncIterator<unknown>;
  };
  const plain = reading.incomingMessageStream;
  io.socket.unpipe(plain);
  // The driver exports no way to make one.
  const encrypted = new (plain.constructor as new (debug: unknown) => MessageStream)(plain.debug);
  // An error reaches who reads; where nobody does it must not end the process.
  for (const stream of [plain, encrypted]) stream.on('error', () => undefined);
  reading.incomingMessageStream = encrypted;
  reading.incomingMessageIterator = encrypted[Symbol.asyncIterator]();

  const refuseRest = (): void => {
    if (plain.bl.length === 0 && plain.readableLength === 0) return;
    io.socket.destroy(new Error('something was written in plain text after TLS was agreed on'));
  };
  refuseRest();
  // What it has taken and not looked at yet comes up when the last message of the handshake has ended.
  plain.on('readable', refuseRest);
}
