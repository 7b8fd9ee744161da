/**
 * TLS as SQL Server has it: the handshake travels inside PRELOGIN packets, everything after it bare. Source: MS-TDS 3.2.5.
 */
import { duplexPair } from 'node:stream';
import { createSecureContext, TLSSocket } from 'node:tls';
import { MessageReader, MessageWriter, PACKET } from './packets.ts';

export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

export interface WrappedTls {
  /** The bytes of a client, as they come from the network. */
  take(bytes: Buffer): void;
  /** Sends `bytes`, encrypted. Answers whether there is room for more. */
  send(bytes: Buffer): boolean;
}

/** TLS over `send`, which reaches the network; what a client sent in it goes to `receive`. `room`: more may be sent. */
export function wrapTls(
  certificate: Certificate,
  send: (bytes: Buffer) => void,
  receive: (bytes: Buffer) => void,
  room: () => void,
): WrappedTls {
  const [near, far] = duplexPair();
  // Version 1.3 sends tickets after its handshake, when the client no longer expects packets around them.
  const secureContext = createSecureContext({ ...certificate, maxVersion: 'TLSv1.2' });
  const secure = new TLSSocket(far, { isServer: true, secureContext });
  const reader = new MessageReader();
  let bare = false;
  // What the handshake says at once is one message, however many records it is.
  let flight: Buffer[] = [];
  const sendFlight = (): void => {
    const writer = new MessageWriter(PACKET.prelogin, 4096, send);
    writer.write(Buffer.concat(flight));
    writer.end();
    flight = [];
  };
  near.on('data', (bytes: Buffer) => {
    if (bare) return send(bytes);
    if (flight.push(bytes) === 1) setTimeout(sendFlight, 5);
  });
  secure.on('data', receive);
  secure.on('drain', room);
  secure.on('error', () => undefined);
  return {
    take(bytes) {
      // A TLS record never begins like a packet of PRELOGIN. The client's first bare one means that it has all of ours.
      bare ||= bytes[0] !== PACKET.prelogin && !reader.pending;
      if (bare) near.write(bytes);
      else for (const { body } of reader.push(bytes)) near.write(body);
    },
    send: (bytes) => secure.write(bytes),
  };
}
