/** The connection test of a database server: resolve, reach, TLS, sign in, permissions, read one row. */
import type { Socket } from 'node:net';
import { TerminalError } from '#core/errors';
import type { CloudSqlWay } from '#core/cloud-sql';
import { type Credentials, keyTextOf } from '#core/source';
import type { ConnectorContext, TableListing, TestedStep } from './connector.ts';
import type { PinnedHost } from './hosts.ts';
import { reach } from './reach.ts';
import { type PlannedStep, runSteps } from './test-steps.ts';
import { type Behind, openWay, type Way } from './tunnel.ts';

/** A signed-in connection under test. */
export interface TestedConnection {
  /** What was signed in to, for people: `PostgreSQL 16.2`. */
  readonly server: string;
  listTables(): Promise<readonly TableListing[]>;
  /** Whether the table has a row; throws where it cannot be read. */
  hasRow(table: string): Promise<boolean>;
  /** Never throws. */
  close(): Promise<void>;
}

/** What a kind of server brings to its test. What its methods throw is put into words by `inOurWords`. */
export interface ServerUnderTest {
  readonly settings: Behind & {
    readonly database: string;
    readonly user: string;
    readonly sslMode: 'disable' | 'prefer' | 'require' | 'verify-full';
  };
  /** Asks for TLS over a fresh connection, which it may destroy: the version agreed on, null where it is not offered. */
  negotiateTls(socket: Socket, pinned: PinnedHost): Promise<string | null>;
  /** The failure of a server that does not offer TLS. */
  tlsNotOffered(): Error;
  signIn(pinned: PinnedHost): Promise<TestedConnection>;
  /** What to do where the user may read no table. */
  readonly grantRemedy: string;
  inOurWords(error: unknown): Error;
}

/** Yields each step as it ends; see `Connector.test`. */
export async function* testServer(
  server: ServerUnderTest,
  context: ConnectorContext,
  signal: AbortSignal,
  credentials: Credentials | null = null,
): AsyncGenerator<TestedStep> {
  const { settings } = server;
  const state: State = {};
  const worded = async <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      throw server.inOurWords(error);
    });
  const go: Going = { server, context, signal, credentials, state, worded };
  try {
    yield* runSteps(
      [
        ...(settings.cloudSql === undefined ? wayThere(go) : wayIntoCloudSql(go, settings.cloudSql)),
        {
          name: 'sign-in',
          run: async () => {
            state.socket?.destroy();
            state.connection = await worded(server.signIn(required(state.pinned)));
            return `Signed in as ${settings.user} to ${state.connection.server}.`;
          },
        },
        {
          name: 'permissions',
          run: async () => {
            state.tables = await worded(required(state.connection).listTables());
            if (state.tables.length === 0)
              throw new TerminalError(
                'no-tables',
                `User "${settings.user}" may read no table in database "${settings.database}".`,
                { remedy: server.grantRemedy },
              );
            return `May read ${state.tables.length} ${state.tables.length === 1 ? 'table' : 'tables'}.`;
          },
        },
        {
          name: 'read',
          run: async () => {
            const { name } = required(
              state.tables?.find(({ kind }) => kind === 'table') ?? state.tables?.[0],
            );
            return (await worded(required(state.connection).hasRow(name)))
              ? `Read a row of ${name}.`
              : `${name} can be read; it is empty.`;
          },
        },
      ],
      context.now,
      signal,
    );
  } finally {
    state.socket?.destroy();
    await state.connection?.close();
    state.way?.close();
  }
}

/** What the steps leave to each other. */
interface State {
  pinned?: PinnedHost;
  way?: Way;
  socket?: Socket;
  connection?: TestedConnection;
  tables?: readonly TableListing[];
}

interface Going {
  readonly server: ServerUnderTest;
  readonly context: ConnectorContext;
  readonly signal: AbortSignal;
  readonly credentials: Credentials | null;
  readonly state: State;
  /** `work`, its errors in the server's words. */
  readonly worded: <T>(work: Promise<T>) => Promise<T>;
}

/** To a server with an address, straight or through a tunnel. */
function wayThere({ server, context, signal, credentials, state, worded }: Going): readonly PlannedStep[] {
  const { settings } = server;
  const { tunnel } = settings;
  // What is reached first.
  const near = tunnel ?? settings;
  const openTunnel = async () => {
    state.socket?.destroy();
    state.way = await openWay(settings, credentials, context, signal);
    state.pinned = state.way.pinned;
    state.socket = await worded(reach(state.pinned, signal, context.patienceMs));
    state.socket.on('error', () => undefined);
    return `Signed in as ${tunnel?.user} to ${near.host}, whose host key is the confirmed one; it reaches ${settings.host}:${settings.port}.`;
  };
  return [
    {
      name: 'resolve',
      run: async () => {
        state.pinned = await context.hosts.pin(near.host, near.port);
        return `${near.host} is a host that may be connected to.`;
      },
    },
    {
      name: 'reach',
      run: async () => {
        state.socket = await worded(reach(required(state.pinned), signal, context.patienceMs));
        // Kept for the next step: a server may count connections that come to nothing.
        state.socket.on('error', () => undefined);
        return `Something answers at ${near.host}:${near.port}.`;
      },
    },
    ...(tunnel === undefined ? [] : [{ name: 'tunnel' as const, run: openTunnel }]),
    {
      name: 'tls',
      run: async () => {
        if (settings.sslMode === 'disable')
          return { skip: 'SSL mode "disable": the connection is not encrypted.' };
        const work = server.negotiateTls(required(state.socket), required(state.pinned));
        const protocol = await worded(work);
        if (protocol === null) {
          if (settings.sslMode === 'prefer')
            return { skip: 'The server does not offer TLS; SSL mode "prefer" goes on without.' };
          throw server.tlsNotOffered();
        }
        const verified =
          settings.sslMode === 'verify-full' ? 'certificate and name verified' : 'not verified';
        return `Encrypted with ${protocol}, ${verified}.`;
      },
    },
  ];
}

/** To an instance of Cloud SQL. */
function wayIntoCloudSql(
  { server, context, signal, credentials, state }: Going,
  cloudSql: CloudSqlWay,
): readonly PlannedStep[] {
  const { settings } = server;
  return [
    {
      name: 'resolve',
      run: async () => {
        const { findInstance } = await import('./cloud-sql/way.ts');
        const instances = context.cloudSql(keyTextOf(credentials));
        const named = { ...settings, cloudSql };
        const { place, pinned } = await findInstance(named, instances, context.hosts, signal);
        return `Cloud SQL tells ${instances.account} that ${settings.host} is ${place.version}, at ${pinned.address}.`;
      },
    },
    {
      name: 'reach',
      run: async () => {
        state.way = await openWay(settings, credentials, context, signal);
        state.pinned = state.way.pinned;
        return 'Cloud SQL has made a certificate for this, and the instance answers at its port for such.';
      },
    },
    { name: 'tls', run: async () => required(state.way?.told) },
  ];
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new RangeError('a step ran before the step it needs');
  return value;
}
