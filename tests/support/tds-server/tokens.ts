/** The tokens that answers consist of, but for columns and rows. Source: MS-TDS 2.2.7. */

/** A text with a length of one byte, in characters. */
function short(text: string): Buffer {
  return Buffer.concat([Buffer.from([text.length]), Buffer.from(text, 'utf16le')]);
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function withLength(token: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([token]), uint16(body.length), body]);
}

/** LOGINACK of TDS 7.4. */
export function loginAck(): Buffer {
  return withLength(
    0xad,
    Buffer.from([1]),
    Buffer.from([0x74, 0, 0, 4]),
    short('Microsoft SQL Server'),
    Buffer.from([16, 0, 0x10, 0]),
  );
}

const ENVIRONMENT = { database: 1, language: 2, packetSize: 4 } as const;

/** A change of a setting that has a text. */
export function environment(what: keyof typeof ENVIRONMENT, now: string, before: string): Buffer {
  return withLength(0xe3, Buffer.from([ENVIRONMENT[what]]), short(now), short(before));
}

/** Latin1_General_CI_AS. */
export const COLLATION = Buffer.from([0x09, 0x04, 0xd0, 0x00, 0x34]);

export function collation(): Buffer {
  return withLength(0xe3, Buffer.from([7, COLLATION.length]), COLLATION, Buffer.from([0]));
}

const TRANSACTION = { begun: 8, committed: 9, rolledBack: 10 } as const;

/** A transaction began or ended; `descriptor` is what the client names it by. */
export function transaction(what: keyof typeof TRANSACTION, descriptor: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(descriptor);
  const named = Buffer.concat([Buffer.from([8]), bytes]);
  const none = Buffer.from([0]);
  const pair = what === 'begun' ? [named, none] : [none, named];
  return withLength(0xe3, Buffer.from([TRANSACTION[what]]), ...pair);
}

/** Sends the client to another server. */
export function routing(host: string, port: number): Buffer {
  const place = Buffer.concat([Buffer.from([0]), uint16(port), uint16(host.length), Buffer.from(host, 'utf16le')]);
  return withLength(0xe3, Buffer.from([20]), uint16(place.length), place, uint16(0));
} // prettier-ignore

/** An error of the server. Severities from 20 on end the session. */
export interface ServerError {
  readonly number: number;
  readonly message: string;
  readonly severity?: number;
}

export function message(kind: 'error' | 'info', { number, message: text, severity }: ServerError): Buffer {
  const head = Buffer.alloc(6);
  head.writeInt32LE(number);
  head[4] = 1;
  head[5] = severity ?? (kind === 'error' ? 16 : 0);
  const line = Buffer.alloc(4);
  line.writeUInt32LE(1);
  return withLength(
    kind === 'error' ? 0xaa : 0xab,
    head,
    uint16(text.length),
    Buffer.from(text, 'utf16le'),
    short('test'),
    short(''),
    line,
  );
}

/** Bits of DONE: more follows, an error came, the row count counts, a cancel is acknowledged. */
export const DONE = { more: 1, error: 2, count: 0x10, attention: 0x20 } as const;
const DONE_TOKENS = { batch: 0xfd, procedure: 0xfe, inProcedure: 0xff } as const;

export function done(of: keyof typeof DONE_TOKENS, status: number, rows = 0): Buffer {
  const bytes = Buffer.alloc(13);
  bytes[0] = DONE_TOKENS[of];
  bytes.writeUInt16LE(status, 1);
  bytes.writeUInt16LE(0xc1, 3);
  bytes.writeBigUInt64LE(BigInt(rows), 5);
  return bytes;
}

export function returnStatus(): Buffer {
  return Buffer.from([0x79, 0, 0, 0, 0]);
}
