/** Packets as a MySQL server writes them, and a server that says whatever a test gives it. */
import { createServer, type Server, type Socket } from 'node:net';

/** One packet: its payload (a text as UTF-8) under a sequence number; `length` where it is to lie about its size. */
export function packet(sequence: number, payload: Uint8Array | string, length?: number): Buffer {
  const bytes = Buffer.from(payload);
  const head = Buffer.alloc(4);
  head.writeUIntLE(length ?? bytes.length, 0, 3);
  head[3] = sequence & 255;
  return Buffer.concat([head, bytes]);
}

/** A payload of any length as the packets it takes, from `sequence` on. */
export function packets(sequence: number, payload: Uint8Array): Buffer[] {
  const list: Buffer[] = [];
  for (let at = 0; ; at += 0xffffff) {
    const part = payload.subarray(at, at + 0xffffff);
    list.push(packet(sequence + list.length, part));
    if (part.length < 0xffffff) return list;
  }
}

/** A length-encoded number. */
export function lengthEncoded(value: number): Buffer {
  if (value < 0xfb) return Buffer.from([value]);
  const bytes = Buffer.alloc(9);
  if (value < 0x10000) {
    bytes[0] = 0xfc;
    bytes.writeUInt16LE(value, 1);
    return bytes.subarray(0, 3);
  }
  if (value < 0x1000000) {
    bytes[0] = 0xfd;
    bytes.writeUIntLE(value, 1, 3);
    return bytes.subarray(0, 4);
  }
  bytes[0] = 0xfe;
  bytes.writeUIntLE(value, 1, 6);
  return bytes;
}

/** A field of a row, or null. */
export function field(value: Uint8Array | string | null): Buffer {
  if (value === null) return Buffer.from([0xfb]);
  const bytes = Buffer.from(value);
  return Buffer.concat([lengthEncoded(bytes.length), bytes]);
}

/** The definition of a column. */
export function definition(name: string): Buffer {
  const texts = ['def', 'shop', 't', 't', name, name].map((text) => field(text));
  return Buffer.concat([...texts, Buffer.from([0x0c, 45, 0, 255, 255, 0, 0, 0xfd, 0, 0, 0, 0, 0])]);
}

export const OK = Buffer.from([0, 0, 0, 2, 0, 0, 0]);
export const EOF = Buffer.from([0xfe, 0, 0, 2, 0]);
/** The end of rows where DEPRECATE_EOF was agreed on. */
export const LAST_OK = Buffer.from([0xfe, 0, 0, 2, 0, 0, 0]);

/** An error with its number. */
export function failure(number: number, message: string): Buffer {
  const head = Buffer.from([0xff, 0, 0]);
  head.writeUInt16LE(number, 1);
  return Buffer.concat([head, Buffer.from(`#HY000${message}`)]);
}

/** A whole result: rows of fields; with or without an EOF after the definitions. */
export function resultOf(
  names: readonly string[],
  rows: readonly (readonly (Uint8Array | string | null)[])[],
  deprecateEof = false,
  end: Uint8Array = deprecateEof ? LAST_OK : EOF,
): Buffer {
  const payloads = [
    lengthEncoded(names.length),
    ...names.map(definition),
    ...(deprecateEof ? [] : [EOF]),
    ...rows.map((row) => Buffer.concat(row.map(field))),
    end,
  ];
  const list: Buffer[] = [];
  for (const payload of payloads) list.push(...packets(list.length + 1, payload));
  return Buffer.concat(list);
}

/** All there are, but compression by other algorithms. */
const CAPABILITIES = 0x0fff_ffff;
const TLS = 0x800;
/** What a password is mixed with on its way. */
export const CHALLENGE = Buffer.from('abcdefghijklmnopqrst');

/** What a server says first: whether it offers TLS, and the way to sign in that it prefers. */
export function greeting(offersTls = false, plugin = 'mysql_native_password'): Buffer {
  const capabilities = offersTls ? CAPABILITIES : CAPABILITIES & ~TLS;
  const low = Buffer.alloc(2);
  low.writeUInt16LE(capabilities & 0xffff);
  const high = Buffer.alloc(2);
  high.writeUInt16LE(capabilities >>> 16);
  return packet(
    0,
    Buffer.concat([
      Buffer.from([10]),
      Buffer.from('8.0.0-test\0'),
      Buffer.from([1, 0, 0, 0]),
      CHALLENGE.subarray(0, 8),
      Buffer.alloc(1),
      low,
      Buffer.from([45, 2, 0]),
      high,
      Buffer.from([21]),
      Buffer.alloc(10),
      CHALLENGE.subarray(8),
      Buffer.alloc(1),
      Buffer.from(`${plugin}\0`),
    ]),
  );
}

export interface ScriptedMysql {
  readonly port: number;
  /** What it is asked, in order. */
  readonly asked: string[];
  /** All bytes that its clients sent, in order. */
  readonly heard: Buffer[];
  readonly sockets: ReadonlySet<Socket>;
  /** What its clients said they can do. */
  readonly capabilities: number[];
  stop(): Promise<void>;
}

/** How the scripted server answers. */
export interface Script {
  /** In place of its greeting. */
  readonly first?: Uint8Array;
  /** In place of letting the client in; several are answers to one packet of the client each. */
  readonly signIn?: Uint8Array | readonly Uint8Array[];
  /** The bytes of the answer to a statement; undefined: OK. */
  readonly answer?: (sql: string, socket: Socket) => Uint8Array | undefined;
}

/** A server that greets, lets everybody in, and answers as `script` says. */
export async function startScriptedMysql(script: Script): Promise<ScriptedMysql> {
  const asked: string[] = [];
  const heard: Buffer[] = [];
  const signIn = script.signIn ?? packet(2, OK);
  const steps = signIn instanceof Uint8Array ? [signIn] : signIn;
  const capabilities: number[] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    let held = Buffer.alloc(0);
    let step = 0;
    socket.write(script.first ?? greeting());
    socket.on('data', (bytes: Buffer) => {
      heard.push(bytes);
      held = Buffer.concat([held, bytes]);
      while (held.length >= 4 && held.length >= 4 + held.readUIntLE(0, 3)) {
        const payload = held.subarray(4, 4 + held.readUIntLE(0, 3));
        held = held.subarray(4 + payload.length);
        const answer = steps[step++];
        if (answer !== undefined) {
          if (step === 1) capabilities.push(payload.readUInt32LE(0));
          socket.write(answer);
        } else if (payload[0] === 1) socket.end();
        else {
          const sql = payload.subarray(1).toString('utf8');
          asked.push(sql);
          socket.write(script.answer?.(sql, socket) ?? packet(1, OK));
        }
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    asked,
    heard,
    sockets,
    capabilities,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
