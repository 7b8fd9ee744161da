/** Messages of TDS and the packets they are cut into. Source: MS-TDS, section 2.2.3 (packets). */

/** What a message is, by the first byte of its packets. */
export const PACKET = {
  batch: 1,
  rpc: 3,
  answer: 4,
  attention: 6,
  transaction: 14,
  login: 16,
  prelogin: 18,
} as const;

export interface Message {
  readonly type: number;
  readonly body: Buffer;
}

const HEADER = 8;
const END_OF_MESSAGE = 1;

/** Puts messages together from bytes that were cut anywhere. */
export class MessageReader {
  private held = Buffer.alloc(0);
  private parts: Buffer[] = [];

  /** Takes more bytes; the messages that are whole now. */
  push(bytes: Buffer): Message[] {
    this.held = Buffer.concat([this.held, bytes]);
    const found: Message[] = [];
    while (this.held.length >= HEADER) {
      const length = this.held.readUInt16BE(2);
      if (this.held.length < length) break;
      this.parts.push(this.held.subarray(HEADER, length));
      if ((this.held[1]! & END_OF_MESSAGE) !== 0) {
        found.push({ type: this.held[0]!, body: Buffer.concat(this.parts) });
        this.parts = [];
      }
      this.held = this.held.subarray(length);
    }
    return found;
  }

  /** Whether a packet has begun and not ended. */
  get pending(): boolean {
    return this.held.length > 0;
  }
}

/** One message on its way out, in packets of `size` bytes. */
export class MessageWriter {
  private readonly type: number;
  private readonly size: number;
  private readonly send: (packet: Buffer) => void;
  private waiting: Buffer[] = [];
  private length = 0;
  private id = 1;

  constructor(type: number, size: number, send: (packet: Buffer) => void) {
    this.type = type;
    this.size = size;
    this.send = send;
  }

  write(bytes: Buffer): void {
    this.waiting.push(bytes);
    this.length += bytes.length;
    if (this.length < this.size - HEADER) return;
    const whole = Buffer.concat(this.waiting);
    const room = this.size - HEADER;
    let at = 0;
    // The last packet carries the end of the message, so one is always kept.
    for (; whole.length - at > room; at += room) this.packet(whole.subarray(at, at + room), false);
    this.waiting = [whole.subarray(at)];
    this.length = whole.length - at;
  }

  /** Sends what waits, although the message goes on. */
  flush(): void {
    this.packet(Buffer.concat(this.waiting), false);
    this.waiting = [];
    this.length = 0;
  }

  end(): void {
    this.packet(Buffer.concat(this.waiting), true);
    this.waiting = [];
    this.length = 0;
  }

  private packet(body: Buffer, last: boolean): void {
    const header = Buffer.alloc(HEADER);
    header[0] = this.type;
    header[1] = last ? END_OF_MESSAGE : 0;
    header.writeUInt16BE(HEADER + body.length, 2);
    header[6] = this.id++ & 255;
    this.send(Buffer.concat([header, body]));
  }
}
