import { isIP, type Socket } from 'node:net';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import type { PinnedHost } from './hosts.ts';

/** How far TLS is trusted, of the settings of every server. */
export interface TlsSettings {
  readonly sslMode: 'disable' | 'prefer' | 'require' | 'verify-full';
  readonly ca?: string | undefined;
}

/** What is wrong with a certificate, as far as OpenSSL and Node tell. */
export type CertificateTrouble = 'expired' | 'name' | 'authority';

/** The trouble that an error's code or message tells of; null: another one. */
export function certificateTrouble(said: string): CertificateTrouble | null {
  if (/expired/i.test(said)) return 'expired';
  if (/altname|hostname.*match/i.test(said)) return 'name';
  return /self.signed|unable.to.(get|verify)|issuer/i.test(said) ? 'authority' : null;
}

const ENCRYPT_ALL_THE_SAME = 'SSL mode "require" encrypts without checking it.';

/** What to do about the certificate of a database's server, of which `said` was said. */
export function certificateRemedy(said: string): string {
  const remedies = {
    expired: 'Have the certificate of the server renewed.',
    name: 'Give the host name that is in the certificate, or have this one added to it.',
    authority: 'Give the source the certificate (PEM) of the authority that signed the server’s.',
  };
  const trouble = certificateTrouble(said);
  return trouble === null
    ? 'Give the certificate authority of the server, use the host name in its certificate, or choose SSL mode "require".'
    : `${remedies[trouble]} ${ENCRYPT_ALL_THE_SAME}`;
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
