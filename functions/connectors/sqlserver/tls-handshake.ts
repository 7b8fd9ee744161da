/**
 * Whether a server encrypts, and how: the first message of a session and the TLS handshake inside it, no more. Used by the
 * connection test, before anybody signs in. Source: MS-TDS 2.2.6.5 (PRELOGIN) and 3.2.5 (TLS negotiation).
 */
import type { Socket } from 'node:net';
import { duplexPair } from 'node:stream';
import { connect } from 'node:tls';
import type { PinnedHost } from '../hosts.ts';
import { tlsOptions, type TlsSettings } from '../tls.ts';

const PRELOGIN = 0x12;
const HEADER = 8;
const ENCRYPTION_ON = 1;
const ENCRYPTION_REQUIRED = 3;
/** The server's answer is 50 bytes or so, its certificates a few thousand. */
const MAX_BYTES = 256 * 1024;
const HANDSHAKE_MS = 10_000;

/** VERSION and ENCRYPTION ("on, please"), the only options that a server asks for. */
const HELLO = Uint8Array.of(0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xff, 0, 0, 0, 0, 0, 0, ENCRYPTION_ON);

/** The TLS version agreed on, null when the server does not offer TLS. Rejects when verification fails. */
export async function negotiateTls(
  socket: Socket,
  settings: TlsSettings,
  pinned: PinnedHost,
): Promise<string | null> {
  const packets = receivePackets(socket);
  try {
    socket.write(inPacket(HELLO));
    const answer = await packets.next();
    const said = encryptionIn(answer);
    if (said !== ENCRYPTION_ON && said !== ENCRYPTION_REQUIRED) return null;
    return await handshake(socket, packets, settings, pinned);
  } finally {
    packets.stop();
  }
}

async function handshake(
  socket: Socket,
  packets: Packets,
  settings: TlsSettings,
  pinned: PinnedHost,
): Promise<string> {
  const [near, far] = duplexPair();
  // The driver has the same limit: a newer version goes on talking where the packets end.
  const secure = connect({ socket: far, ...tlsOptions(settings, pinned), maxVersion: 'TLSv1.2' });
  near.on('data', (bytes: Buffer) => socket.write(inPacket(bytes)));
  const shaken = new Promise<string>((resolve, reject) => {
    secure.once('secureConnect', () => resolve(secure.getProtocol() ?? 'TLS')).once('error', reject);
  });
  const fed = (async () => {
    for (;;) near.write(await packets.next());
  })();
  try {
    return await Promise.race([shaken, fed]);
  } finally {
    shaken.catch(() => undefined);
    fed.catch(() => undefined);
    secure.destroy();
    near.destroy();
  }
}

function inPacket(body: Uint8Array): Buffer {
  const header = Buffer.alloc(HEADER);
  header[0] = PRELOGIN;
  header[1] = 1;
  header.writeUInt16BE(HEADER + body.length, 2);
  return Buffer.concat([header, body]);
}

/** What an answer to PRELOGIN says of encryption; null where it says nothing. */
function encryptionIn(body: Buffer): number | null {
  for (let at = 0; at + 5 <= body.length && body[at] !== 0xff; at += 5)
    if (body[at] === 1) return body[body.readUInt16BE(at + 1)] ?? null;
  return null;
}

interface Packets {
  /** The body of the next packet; rejects when the connection ends, stays silent, or is not TDS. */
  next(): Promise<Buffer>;
  stop(): void;
}

function receivePackets(socket: Socket): Packets {
  let held = Buffer.alloc(0);
  let failure: Error | null = null;
  let wake: () => void = () => undefined;
  const fail = (error: Error): void => {
    failure ??= error;
    wake();
  };
  const onData = (bytes: Buffer): void => {
    held = Buffer.concat([held, bytes]);
    if (held.length > MAX_BYTES) fail(new Error(`it sent more than ${MAX_BYTES} bytes before its sign-in`));
    wake();
  };
  const onClose = (): void => fail(new Error('Connection closed during the TLS handshake'));
  const timer = setTimeout(() => fail(new Error(`it sent nothing for ${HANDSHAKE_MS / 1000} seconds`)), HANDSHAKE_MS);
  socket.on('data', onData).once('close', onClose).once('error', fail);
  return {
    async next() {
      for (;;) {
        const length = held.length < HEADER ? Infinity : held.readUInt16BE(2);
        // Answers come as PRELOGIN in the handshake, and as an answer (4) before it.
        if (held.length > 0 && held[0] !== PRELOGIN && held[0] !== 4)
          throw new Error('it does not speak TDS');
        if (length < HEADER) throw new Error('it does not speak TDS');
        if (held.length >= length) {
          const body = held.subarray(HEADER, length);
          held = held.subarray(length);
          return body;
        }
        if (failure !== null) throw failure;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    stop() {
      clearTimeout(timer);
      socket.off('data', onData).off('close', onClose).off('error', fail);
    },
  };
} // prettier-ignore
