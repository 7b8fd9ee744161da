/**
 * Packets of the MySQL protocol: three bytes of length, a sequence number, the payload. A payload of 2^24 − 1 bytes goes on
 * in the next packet. Numbers are little endian; lengths of texts are "length-encoded" (one to nine bytes).
 * Source: https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html, https://mariadb.com/kb/en/clientserver-protocol/
 */
import { TransientError } from '#core/errors';

/** Length and sequence number. */
export const HEADER = 4;
/** A payload of this length goes on in the next packet. */
export const FULL_PAYLOAD = 0xff_ff_ff;

/** First bytes of payloads. */
export const OK = 0x00;
export const LOCAL_INFILE = 0xfb;
export const EOF = 0xfe;
export const ERR = 0xff;

/** In place of a field's length: the field is null. */
export const NULL = 0xfb;

/** In the status of OK and EOF: another result follows. */
const MORE_RESULTS = 0x0008;
/** In the capabilities of a greeting: the server offers TLS. */
const CLIENT_SSL = 0x0800;
/** A server's first packet is no longer than this, header included. */
export const MAX_GREETING = 4096;
/** An error's text is cut to this. */
const MAX_MESSAGE = 1000;

/** An error that the server answered; `code` is its number. */
export class ServerError extends Error {
  readonly code: string;

  constructor(number: number, message: string) {
    super(message);
    this.name = 'ServerError';
    this.code = String(number);
  }
}

/** The server does not speak the protocol. Trying again may meet a better proxy or server. */
export function broken(what: string): TransientError {
  return new TransientError('source-protocol', `The MySQL server sent ${what}.`, {
    remedy: 'Connect to the server directly, not through a proxy that changes its answers.',
  });
}

/** The length of the packet at `at`, header included. */
export function packetLength(bytes: Buffer, at: number): number {
  return HEADER + (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16));
}

/** A length-encoded number and where it ends; for what is read rarely. Throws `source-protocol` for one that is cut off. */
export function readLength(bytes: Buffer, at: number, end: number): { value: number; next: number } {
  const first = at < end ? bytes[at]! : ERR;
  const width = first < 0xfb ? 0 : first === 0xfc ? 2 : first === 0xfd ? 3 : first === 0xfe ? 8 : -1;
  if (width < 0 || at + 1 + width > end) throw broken('a length that is none');
  if (width === 0) return { value: first, next: at + 1 };
  const low = bytes.readUIntLE(at + 1, Math.min(width, 6));
  if (width === 8 && bytes.readUInt16LE(at + 7) !== 0) throw broken('a length beyond all bounds');
  return { value: low, next: at + 1 + width };
}

/** A length-encoded text and where it ends. */
export function readText(bytes: Buffer, at: number, end: number): { value: string; next: number } {
  const { value: length, next } = readLength(bytes, at, end);
  if (next + length > end) throw broken('a text beyond its packet');
  return { value: bytes.toString('utf8', next, next + length), next: next + length };
}

/** The error in an ERR payload. */
export function readError(bytes: Buffer, at: number, end: number): ServerError {
  if (at + 3 > end) throw broken('an error without a number');
  // '#' and five letters of SQL state; absent before a client has signed in.
  const text = bytes[at + 3] === 0x23 ? Math.min(at + 9, end) : at + 3;
  const message = bytes.toString('utf8', text, Math.min(end, text + MAX_MESSAGE));
  return new ServerError(bytes.readUInt16LE(at + 1), message);
}

/** Refuses the end of a result that announces another: one statement was sent. `at` is where the status is. */
export function refuseMoreResults(bytes: Buffer, at: number, end: number): void {
  if (at + 2 > end) throw broken('the end of a result without its status');
  if ((bytes.readUInt16LE(at) & MORE_RESULTS) !== 0) throw broken('two results for one statement');
}

/** Where the status of an OK payload (0x00 or 0xfe) is: after two numbers. */
export function statusPlace(bytes: Buffer, at: number, end: number): number {
  const { next } = readLength(bytes, at + 1, end);
  return readLength(bytes, next, end).next;
}

/** What a server's first packet says. Throws what the server says instead, or `source-protocol`. */
export function readGreeting(payload: Buffer): { readonly version: string; readonly offersTls: boolean } {
  if (payload[0] === ERR) throw readError(payload, 0, payload.length);
  const end = payload.indexOf(0, 1);
  // Version, connection id, eight bytes of challenge, a zero, then the lower half of the capabilities.
  const capabilities = end + 1 + 4 + 8 + 1;
  if (payload[0] !== 10 || end < 0 || capabilities + 2 > payload.length)
    throw broken('no greeting of its protocol');
  return {
    version: payload.toString('latin1', 1, Math.min(end, 100)),
    offersTls: (payload.readUInt16LE(capabilities) & CLIENT_SSL) !== 0,
  };
}

/** The packet that asks for TLS instead of signing in (protocol 4.1). */
export function tlsRequest(): Buffer {
  const packet = Buffer.alloc(HEADER + 32);
  packet.writeUIntLE(32, 0, 3);
  packet[3] = 1;
  // Protocol 4.1, TLS, plug-in authentication, long passwords, secure connection.
  packet.writeUInt32LE(0x0200 | CLIENT_SSL | 0x80000 | 0x0001 | 0x8000, HEADER);
  packet.writeUInt32LE(FULL_PAYLOAD, HEADER + 4);
  packet[HEADER + 8] = 45; // utf8mb4_general_ci
  return packet;
}

/** The packet that asks for `sql` to be run. */
export function queryPacket(sql: string): Buffer {
  const length = Buffer.byteLength(sql, 'utf8') + 1;
  if (length >= FULL_PAYLOAD) throw new RangeError(`a statement of ${length} bytes`);
  const packet = Buffer.alloc(HEADER + length);
  packet.writeUIntLE(length, 0, 3);
  packet[HEADER] = 0x03;
  packet.write(sql, HEADER + 1, 'utf8');
  return packet;
}

/** The packet that says goodbye. */
export const QUIT = Buffer.from([1, 0, 0, 0, 1]);
