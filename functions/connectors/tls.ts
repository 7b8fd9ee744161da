import { isIP, type Socket } from 'node:net';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import type { PinnedHost } from './hosts.ts';

/** How far TLS is trusted, of the settings of every server. */
export interface TlsSettings {
  readonly sslMode: 'disable' | 'prefer' | 'require' | 'verify-full';
  readonly ca?: string | undefined;
}

/** TLS options: verified against the given name although the connection goes to the pinned address. */
export function tlsOptions(settings: TlsSettings, pinned: PinnedHost): ConnectionOptions {
  return {
    host: pinned.host,
    ...(isIP(pinned.host) === 0 ? { servername: pinned.host } : {}),
    ...(settings.ca === undefined ? {} : { ca: settings.ca }),
    rejectUnauthorized: settings.sslMode === 'verify-full',
  };
}

/** TLS over `socket`, once the server has agreed to it; rejects when verification fails. */
export function upgrade(socket: Socket, settings: TlsSettings, pinned: PinnedHost): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const secure = connect({ socket, ...tlsOptions(settings, pinned) });
    secure.once('secureConnect', () => resolve(secure)).once('error', reject);
    secure.once('close', () => reject(new Error('Connection terminated during the TLS handshake')));
  });
}
