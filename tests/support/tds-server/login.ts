/** The first two messages of a session: PRELOGIN and LOGIN7. Source: MS-TDS 2.2.6.5 and 2.2.6.4. */

/** How a server answers the wish for encryption. */
export const ENCRYPTION = { off: 0, on: 1, notSupported: 2, required: 3 } as const;

/** The answer to PRELOGIN: version 16.0 and what is said of encryption. */
export function preloginAnswer(encryption: number): Buffer {
  const version = Buffer.from([16, 0, 0x10, 0, 0, 0]);
  const options: readonly (readonly [token: number, data: Buffer])[] = [
    [0, version],
    [1, Buffer.from([encryption])],
    [2, Buffer.from([0])],
    [3, Buffer.alloc(0)],
    [4, Buffer.from([0])],
  ];
  const table = Buffer.alloc(options.length * 5 + 1, 0xff);
  let offset = table.length;
  options.forEach(([token, data], index) => {
    table[index * 5] = token;
    table.writeUInt16BE(offset, index * 5 + 1);
    table.writeUInt16BE(data.length, index * 5 + 3);
    offset += data.length;
  });
  return Buffer.concat([table, ...options.map(([, data]) => data)]);
}

/** What a client said of encryption in its PRELOGIN. */
export function encryptionWish(body: Buffer): number {
  for (let at = 0; body[at] !== undefined && body[at] !== 0xff; at += 5)
    if (body[at] === 1) return body[body.readUInt16BE(at + 1)] ?? ENCRYPTION.notSupported;
  return ENCRYPTION.notSupported;
}

export interface Login {
  readonly user: string;
  readonly password: string;
  readonly application: string;
  readonly database: string;
  readonly packetSize: number;
  readonly readOnly: boolean;
}

export function readLogin(body: Buffer): Login {
  const field = (at: number): Buffer => {
    const start = body.readUInt16LE(at);
    return body.subarray(start, start + body.readUInt16LE(at + 2) * 2);
  };
  const text = (at: number): string => field(at).toString('utf16le');
  // Each byte was turned half around and mixed with 0xA5.
  const password = Buffer.from(field(44)).map((byte) => {
    const mixed = byte ^ 0xa5;
    return ((mixed << 4) | (mixed >> 4)) & 255;
  });
  return {
    user: text(40),
    password: Buffer.from(password).toString('utf16le'),
    application: text(48),
    database: text(68),
    packetSize: body.readUInt32LE(8),
    readOnly: ((body[26] ?? 0) & 0x20) !== 0,
  };
}
