/**
 * The way to a database server: straight to its checked address, through a tunnel, or into a Cloud SQL instance.
 *
 *     connector ─▶ 127.0.0.1:<port> ─▶ SSH, one connection ─▶ the bastion ─▶ the database
 *
 * The bastion is checked and pinned like any host that customers give, and by its host key. The database's name is looked up
 * by the bastion, so nothing of this installation's network can be named by it. What is said to the database is encrypted by
 * SSH to the bastion, and from there on as the source's TLS settings ask.
 */
import { createHash } from 'node:crypto';
import type { Client, ClientChannel, ConnectConfig } from 'ssh2';
import { TerminalError, toError, TransientError } from '#core/errors';
import type { CloudSqlWay } from '#core/cloud-sql';
import { type Credentials, keyTextOf, type SshCredentials, type SshTunnel } from '#core/source';
import type { ConnectorContext, SourceSession } from './connector.ts';
import type { PinnedHost } from './hosts.ts';
import { type Loopback, openLoopback } from './loopback.ts';
import { reach } from './reach.ts';

const SIGN_IN_MS = 15_000;
/** A bastion that says nothing to three of these is gone: its connections fail then. */
const ALIVE_MS = 10_000;

/** Where to connect to, for as long as it is open. */
export interface Way extends Loopback {
  /** How the way itself is encrypted, for people, where it is a Cloud SQL instance's. */
  readonly told?: string;
}

/** The parts of a server's settings that the way to it needs. */
export interface Behind {
  readonly kind: string;
  readonly host: string;
  readonly port: number;
  readonly tunnel?: SshTunnel | undefined;
  readonly cloudSql?: CloudSqlWay | undefined;
}

/**
 * Opens the way to a server. `signal` closes it, too.
 * @throws what the guard of hosts and `openCloudSqlWay` throw; TerminalError `host-key-unconfirmed`, `host-key-changed`, `ssh-sign-in-failed`,
 *   `ssh-key-invalid`, `tunnel-forbidden`; TransientError `source-unreachable`
 */
export async function openWay(
  settings: Behind,
  credentials: Credentials | null,
  context: Pick<ConnectorContext, 'hosts' | 'cloudSql'>,
  signal: AbortSignal,
): Promise<Way> {
  const { tunnel, host, port, cloudSql } = settings;
  if (cloudSql !== undefined) {
    const instances = context.cloudSql(keyTextOf(credentials));
    // Few sources need it: it is loaded by those alone.
    const { openCloudSqlWay } = await import('./cloud-sql/way.ts');
    return openCloudSqlWay({ ...settings, cloudSql }, instances, context.hosts, signal);
  }
  if (tunnel === undefined) return { pinned: await context.hosts.pin(host, port), close: () => undefined };
  const bastion = await context.hosts.pin(tunnel.host, tunnel.port);
  const client = await signIn(tunnel, sshOf(credentials), bastion, signal);
  let loopback: Loopback | undefined;
  const close = () => {
    signal.removeEventListener('abort', close);
    loopback?.close();
    client.destroy();
  };
  client.once('close', close);
  signal.addEventListener('abort', close, { once: true });
  try {
    // The first channel tells whether the bastion gets there, and is used: servers count connections that come to nothing.
    let first: ClientChannel | null = await forward(client, settings, tunnel);
    const next = async (): Promise<ClientChannel> => {
      const kept = first;
      first = null;
      return kept === null || kept.destroyed ? forward(client, settings, tunnel) : kept;
    };
    loopback = await openLoopback(host, next);
    return { pinned: loopback.pinned, close };
  } catch (error) {
    close();
    signal.throwIfAborted();
    throw error;
  }
}

/** The settings as the driver needs them: in front of an instance of Cloud SQL, what is encrypted is the way. */
export function asReached<T extends Pick<Behind, 'cloudSql'> & { readonly sslMode: string }>(settings: T): T {
  return settings.cloudSql === undefined ? settings : { ...settings, sslMode: 'disable' };
}

/** The session that `open` gives at the end of the way to the server; it closes the way when it is closed. @throws as `openWay` */
export async function connectOver(
  settings: Behind,
  credentials: Credentials | null,
  context: Pick<ConnectorContext, 'hosts' | 'cloudSql'>,
  signal: AbortSignal,
  open: (pinned: PinnedHost) => Promise<SourceSession>,
): Promise<SourceSession> {
  const way = await openWay(settings, credentials, context, signal);
  try {
    const session = await open(way.pinned);
    return {
      ...session,
      close: async () => {
        await session.close();
        way.close();
      },
    };
  } catch (error) {
    way.close();
    throw error;
  }
}

function sshOf(credentials: Credentials | null): SshCredentials {
  return credentials !== null && 'ssh' in credentials ? (credentials.ssh ?? {}) : {};
}

async function signIn(
  tunnel: SshTunnel,
  ssh: SshCredentials,
  bastion: PinnedHost,
  signal: AbortSignal,
): Promise<Client> {
  const { privateKey, password, passphrase } = ssh;
  if (privateKey === undefined && password === undefined)
    throw new TerminalError('ssh-sign-in-failed', `There is no key or password for ${whose(tunnel)}.`, {
      remedy: 'Give the source the private key, or the password, of that user.',
    });
  let shown = '';
  // Few sources need it: it is loaded by those alone.
  const { default: ssh2 } = await import('ssh2');
  const client = new ssh2.Client();
  const config: ConnectConfig = {
    username: tunnel.user,
    ...(privateKey === undefined ? { password: password ?? '' } : { privateKey }),
    ...(privateKey === undefined || passphrase === undefined ? {} : { passphrase }),
    authHandler: [privateKey === undefined ? 'password' : 'publickey'],
    hostVerifier: (key: Buffer) => {
      shown = fingerprint(key);
      return shown === tunnel.hostKey;
    },
    readyTimeout: SIGN_IN_MS,
    keepaliveInterval: ALIVE_MS,
    keepaliveCountMax: 3,
  };
  const abort = () => client.destroy();
  try {
    const sock = (await reach(bastion, signal)).setTimeout(0);
    signal.addEventListener('abort', abort, { once: true });
    await new Promise<void>((resolve, reject) => {
      client.once('ready', resolve).once('error', reject);
      client.once('close', () => reject(new Error('the connection was closed')));
      client.connect({ ...config, sock });
    });
    // What goes wrong later closes the connection, and with it all that goes through it.
    client.on('error', () => undefined);
    return client;
  } catch (error) {
    client.on('error', () => undefined);
    client.destroy();
    signal.throwIfAborted();
    if (shown !== '' && shown !== tunnel.hostKey) throw unknownKey(tunnel, shown);
    throw inWords(error, tunnel);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** As `ssh-keygen -l` prints it. */
function fingerprint(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

function unknownKey({ host, port, hostKey }: SshTunnel, shown: string): TerminalError {
  const remedy = `Compare it with what \`ssh-keygen -lf\` says of the key on that server; if it is the same, give it to the source as the host key.`;
  return hostKey === null
    ? new TerminalError('host-key-unconfirmed', `${host}:${port} shows the host key ${shown}.`, { remedy })
    : new TerminalError(
        'host-key-changed',
        `${host}:${port} shows the host key ${shown}, not ${hostKey}. Nothing was sent to it.`,
        { remedy },
      );
}

function inWords(thrown: unknown, tunnel: SshTunnel): Error {
  if (thrown instanceof TerminalError || thrown instanceof TransientError) return thrown;
  const cause = toError(thrown);
  const { message } = cause;
  if (/privateKey|passphrase|Encrypted|Unsupported key/i.test(message))
    return new TerminalError('ssh-key-invalid', `The private key for ${whose(tunnel)} cannot be read.`, {
      remedy: 'Give the whole key in PEM or OpenSSH form, and its passphrase where it has one.',
      cause,
    });
  if (/authentication methods failed/i.test(message))
    return new TerminalError('ssh-sign-in-failed', `The SSH server does not let ${whose(tunnel)} in.`, {
      remedy: 'Check the user, and that the key is among the authorized ones, or the password is right.',
      cause,
    });
  return new TransientError(
    'source-unreachable',
    `The SSH server ${tunnel.host}:${tunnel.port} is not to be reached (${message}).`,
    { remedy: 'Check host and port, and that its firewall lets this installation in.', cause },
  );
}

function whose({ user, host, port }: SshTunnel): string {
  return `the user "${user}" of ${host}:${port}`;
}

/** A channel through the bastion to the database. */
function forward(client: Client, { host, port }: Behind, tunnel: SshTunnel): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    client.forwardOut('127.0.0.1', 0, host, port, (error, channel) => {
      if (error === undefined) resolve(channel);
      else reject(notForwarded(toError(error), `${host}:${port}`, tunnel));
    });
  });
}

/** RFC 4254, 5.1: the reason that the server gives for not opening a channel. */
const PROHIBITED = 1;

function notForwarded(cause: Error, target: string, { host, port }: SshTunnel): Error {
  if ('reason' in cause && cause.reason === PROHIBITED)
    return new TerminalError(
      'tunnel-forbidden',
      `The SSH server ${host}:${port} does not let this user connect to ${target}.`,
      { remedy: 'Allow it there (AllowTcpForwarding, PermitOpen, permitopen of the key).', cause },
    );
  return new TransientError(
    'source-unreachable',
    `The SSH server ${host}:${port} does not reach ${target} (${cause.message}).`,
    {
      remedy: 'Check that name and port are right as that server sees them, and the firewall between.',
      cause,
    },
  );
}
