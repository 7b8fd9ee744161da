/**
 * The way to a Cloud SQL instance, as Google's own connectors go it: a certificate of an hour is asked for, and with it the
 * instance's own port is reached over TLS 1.3, in which both sides show who they are.
 *
 *     connector ─▶ 127.0.0.1:<port> ─▶ TLS ─▶ the instance, port 3307 ─▶ its database
 *
 * Google's library for this is not used: it goes to addresses that nobody has checked, a refresh of its that fails in the
 * background can end the process, and every bundle that may reach a source would be 4.8 MB larger. Sources: Google's
 * documentation of the Cloud SQL Admin API (connectSettings, generateEphemeralCert) and of its language connectors.
 */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { checkServerIdentity, connect, type PeerCertificate, type TLSSocket } from 'node:tls';
import { type CloudSqlName, type CloudSqlWay, readConnectionName } from '#core/cloud-sql';
import { TerminalError, toError, TransientError } from '#core/errors';
import type { HostGuard, PinnedHost } from '../hosts.ts';
import { type Loopback, openLoopback } from '../loopback.ts';
import { reach } from '../reach.ts';
import type { Admission, CloudSqlInstances, InstancePlace } from './instances.ts';

/** Where every instance takes connections with certificates. */
const PORT = 3307;
/** A certificate is of an hour; whoever comes later than this gets a new one. */
const RENEW_MS = 50 * 60_000;
const HANDSHAKE_MS = 10_000;

/** The parts of a server's settings that the way needs. */
export interface CloudSqlSettings {
  readonly kind: string;
  readonly host: string;
  readonly cloudSql: CloudSqlWay;
}

/** The way in; `told`: of its encryption, for people. */
export interface CloudSqlOpened extends Loopback {
  readonly told: string;
}

/** An instance that was found and whose address may be connected to. */
export interface FoundInstance {
  readonly name: CloudSqlName;
  readonly place: InstancePlace;
  readonly pinned: PinnedHost;
}

/**
 * Finds the instance. @throws what `CloudSqlInstances.place` and the guard of hosts throw; TerminalError `cloud-sql-engine`
 */
export async function findInstance(
  { kind, host, cloudSql }: CloudSqlSettings,
  instances: CloudSqlInstances,
  hosts: HostGuard,
  signal: AbortSignal,
): Promise<FoundInstance> {
  const name = readConnectionName(host);
  if (name === null) throw new RangeError('settings that were not checked');
  const place = await instances.place(name, cloudSql, signal);
  if (kindOf(place.version) !== kind)
    throw new TerminalError(
      'cloud-sql-engine',
      `The Cloud SQL instance ${host} is ${place.version.slice(0, 60) || 'of no known version'}, not ${kind}.`,
      { remedy: 'Add it as a source of its own kind.' },
    );
  return { name, place, pinned: await hosts.pin(place.host, PORT) };
}

function kindOf(version: string): string {
  const [engine = ''] = version.split('_');
  return engine.toLowerCase();
}

/** Opens the way. `signal` closes it, too. @throws as `findInstance`; TerminalError `tls-unverified`; TransientError `source-unreachable` */
export async function openCloudSqlWay(
  settings: CloudSqlSettings,
  instances: CloudSqlInstances,
  hosts: HostGuard,
  signal: AbortSignal,
): Promise<CloudSqlOpened> {
  let found = await findInstance(settings, instances, hosts, signal);
  let admission = await instances.admit(found.name, signal);
  let until = Date.now() + RENEW_MS;
  let first: TLSSocket | null = await enter(settings.host, found, admission, signal);
  const protocol = first.getProtocol() ?? 'TLS';
  const next = async (): Promise<Socket> => {
    const kept = first;
    first = null;
    if (kept !== null && !kept.destroyed) return kept;
    if (Date.now() >= until) {
      // With the certificate, what it is for: an instance may have moved since.
      found = await findInstance(settings, instances, hosts, signal);
      admission = await instances.admit(found.name, signal);
      until = Date.now() + RENEW_MS;
    }
    return enter(settings.host, found, admission, signal);
  };
  const loopback = await openLoopback(settings.host, next).catch((error: unknown) => {
    first?.destroy();
    throw error;
  });
  const close = (): void => {
    signal.removeEventListener('abort', close);
    loopback.close();
    first?.destroy();
  };
  signal.addEventListener('abort', close, { once: true });
  if (signal.aborted) close();
  return {
    pinned: loopback.pinned,
    told: `Encrypted with ${protocol} by certificates of Cloud SQL; certificate and name verified.`,
    close,
  };
}

/** A connection to the instance, both of whose sides are who they say. */
async function enter(
  host: string,
  { name, place, pinned }: FoundInstance,
  { certificate, privateKey }: Admission,
  signal: AbortSignal,
): Promise<TLSSocket> {
  const socket = await reach(pinned, signal).catch((error: unknown) => {
    signal.throwIfAborted();
    throw inWords(toError(error), host, pinned);
  });
  socket.setTimeout(0).on('error', () => undefined);
  let secure: TLSSocket | null = null;
  try {
    secure = connect({
      socket,
      ca: place.ca,
      cert: certificate,
      key: privateKey,
      minVersion: 'TLSv1.3',
      ...(place.dnsName === '' ? {} : { servername: place.dnsName }),
      checkServerIdentity: (_, shown) => wrongInstance(shown, name, place.dnsName),
    });
    // It may fail when nobody waits for it any more, and an error without a listener would end the process.
    secure.on('error', () => undefined);
    const late = AbortSignal.timeout(HANDSHAKE_MS);
    await once(secure, 'secureConnect', { signal: AbortSignal.any([signal, late]) }).catch(
      (error: unknown) => {
        throw late.aborted ? new Error(`it has not answered for ${HANDSHAKE_MS / 1000} seconds`) : error;
      },
    );
    return secure.setKeepAlive(true, 30_000);
  } catch (error) {
    secure?.destroy();
    socket.destroy();
    signal.throwIfAborted();
    throw inWords(toError(error), host, pinned);
  }
}

/**
 * What is wrong with the certificate of a server whose authority is the instance's; undefined: nothing. Older instances are
 * named by its subject alone, and a newer one's name may not be in its certificate yet.
 */
function wrongInstance(
  shown: PeerCertificate,
  { project, instance }: CloudSqlName,
  dnsName: string,
): Error | undefined {
  const named = dnsName === '' ? new Error('it has no name') : checkServerIdentity(dnsName, shown);
  if (named === undefined || shown.subject.CN === `${project}:${instance}`) return undefined;
  const said = String(shown.subject.CN).slice(0, 100);
  return Object.assign(new Error(`the certificate is of "${said}"`), {
    code: 'ERR_TLS_CERT_ALTNAME_INVALID',
  });
}

function inWords(cause: Error, host: string, { address, port }: PinnedHost): Error {
  if (cause instanceof TerminalError || cause instanceof TransientError) return cause;
  const code = 'code' in cause ? String(cause.code) : '';
  if (/CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS|ERR_SSL/.test(code))
    return new TerminalError(
      'tls-unverified',
      `What answers at ${address}:${port} is not the Cloud SQL instance ${host} (${cause.message}).`,
      {
        remedy:
          'Look at the instance’s certificates in the console: its server certificate may have to be rotated.',
        cause,
      },
    );
  return new TransientError(
    'source-unreachable',
    `The Cloud SQL instance ${host} is not to be reached at ${address}:${port} (${cause.message}).`,
    {
      remedy:
        'See that the instance runs, and that the address chosen for this source is one that leads to it from here.',
      cause,
    },
  );
}
