/**
 * The driver's connection, held to what was agreed:
 *
 * - It goes to addresses that were checked, also where the server sends it on to another.
 * - What is received for one row has an end. The driver keeps a value until it is whole, however long the server says it is.
 * - An answer about the catalogue has an end too.
 * - What is not encrypted is not read once TLS was agreed on.
 * - It knows the number of the error that a sign-in was refused with, of which the driver only tells the words.
 */
import type { Socket } from 'node:net';
import { Connection, type ConnectionConfiguration } from 'tedious';
import { leavePlainText } from './encrypted-stream.ts';

const MIB = 1024 * 1024;
/** More than a warehouse takes in a row. A server that is in order never sends as much without one. */
const MAX_ROW_BYTES = 256 * MIB;

/** Where the server has sent the session; null: nowhere else. */
export type Routed = { readonly host: string; readonly port: number } | null;

export class GuardedConnection extends Connection {
  /** The last error that the server told, with its number. */
  refusal: Error | null = null;
  /** What answers that begin from now on may take, in bytes. */
  answerLimit = Infinity;
  private readonly dial: (routed: Routed) => Promise<Socket>;
  /** Bytes since the last row. */
  private pending = 0;

  /** `dial`: a socket to the server, or to where it has sent the session. */
  constructor(config: ConnectionConfiguration, dial: (routed: Routed) => Promise<Socket>) {
    super(config);
    this.dial = dial;
    this.on('secure', () => leavePlainText(this.messageIo));
    // A lost connection fails the next question, which reports it.
    this.on('error', () => undefined);
    this.on('errorMessage', ({ message, number }) => {
      this.refusal = Object.assign(new Error(message), { number });
    });
  }

  /** Bytes from the network so far. */
  get received(): number {
    return this.socket?.bytesRead ?? 0;
  }

  /** A row was taken: what was received until now is no longer kept. */
  rowTaken(): void {
    this.pending = 0;
  }

  override async connectOnPort(): Promise<Socket> {
    const { routingData } = this;
    const socket = await this.dial(
      routingData === undefined ? null : { host: routingData.server, port: routingData.port },
    );
    return socket.setNoDelay(true);
  }

  override createTokenStreamParser(
    ...[message, handler]: Parameters<Connection['createTokenStreamParser']>
  ): ReturnType<Connection['createTokenStreamParser']> {
    this.pending = 0;
    // The driver's parser takes anything that gives buffers; its type asks for the stream that this one reads.
    return super.createTokenStreamParser(this.limited(message) as unknown as typeof message, handler);
  }

  private async *limited(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const { answerLimit } = this;
    let whole = 0;
    for await (const chunk of chunks) {
      this.pending += chunk.length;
      whole += chunk.length;
      if (whole > answerLimit) throw new Error(`it sent more than ${answerLimit / MIB} MiB as one answer`);
      if (this.pending > MAX_ROW_BYTES) throw new Error('a row of more than 256 MiB');
      yield chunk;
    }
  }
}
