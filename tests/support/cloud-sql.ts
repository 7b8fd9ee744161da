/**
 * Cloud SQL on this machine: the Admin API, and in front of each database the port that takes connections with certificates of
 * an hour. Port 3307 is fixed, so every instance has a loopback address of its own.
 */
import { execFileSync } from 'node:child_process';
import { randomInt, verify } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type Server } from 'node:tls';

/** What an instance is; change it as you like. */
export interface TestInstance {
  /** `project:region:instance` */
  readonly name: string;
  version: string;
  labels: Record<string, string>;
  /** Where its server is, and what kind of address that is called. */
  address: string;
  addressType: 'PRIMARY' | 'PRIVATE';
  /** Of the instance's certificate; the name that the Admin API tells is `dnsName`. */
  dnsName: string;
  /** Answered in place of what was asked. */
  refusal: { readonly status: number; readonly reason: string; readonly message: string } | null;
  /** Certificates made so far. */
  certificates: number;
  /** Connections let in so far. */
  entered: number;
}

export interface TestCloudSql {
  readonly url: string;
  readonly instances: Map<string, TestInstance>;
  /** Adds an instance before the database at `port`, whose certificate is of `subject` (default: as Cloud SQL has it). */
  add(name: string, version: string, port: number, subject?: string): Promise<TestInstance>;
  /** Who asked, in order; '' for the installation's own account. */
  readonly asked: string[];
  stop(): Promise<void>;
}

/** Starts one. `accounts`: public keys (PEM) of service accounts by their address, whose assertions are taken. */
export async function startTestCloudSql(accounts: ReadonlyMap<string, string>): Promise<TestCloudSql> {
  const dir = mkdtempSync(join(tmpdir(), 'tradewind-cloud-sql-'));
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'ignore' });
  const read = (file: string) => readFileSync(join(dir, file), 'utf8');
  const key = (file: string) => ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${file}.key`]; // prettier-ignore
  const signed = (by: string) => ['-CA', `${by}.pem`, '-CAkey', `${by}.key`, '-CAcreateserial'];
  for (const authority of ['server-ca', 'client-ca'])
    openssl('req', '-x509', ...key(authority), '-out', `${authority}.pem`, '-days', '2', '-subj', `/CN=${authority}`); // prettier-ignore
  openssl('req', ...key('client'), '-out', 'client.csr', '-subj', '/CN=client');
  const instances = new Map<string, TestInstance>();
  const asked: string[] = [];
  const fronts: Server[] = [];
  const sockets = new Set<Socket>();

  /** A certificate of an hour for somebody else's key. */
  const certify = (publicKey: string): string => {
    writeFileSync(join(dir, 'public.pem'), publicKey);
    openssl('x509', '-req', '-in', 'client.csr', '-force_pubkey', 'public.pem', ...signed('client-ca'), '-days', '1', '-out', 'client.pem'); // prettier-ignore
    return read('client.pem');
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const send = (status: number, value: unknown) =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    if (request.url === '/token') return send(...tokenFor(body, accounts));
    const [, project, instance, what] =
      /^\/sql\/v1beta4\/projects\/([^/]+)\/instances\/([^/:]+)(\/connectSettings|:generateEphemeralCert)?$/.exec(request.url ?? '') ?? []; // prettier-ignore
    asked.push(request.headers.authorization?.replace('Bearer ', '') ?? '');
    const found = [...instances.values()].find(({ name }) => {
      const [inProject, , named] = name.split(':');
      return inProject === project && named === instance;
    });
    const refuse = (status: number, reason: string, message: string) =>
      send(status, { error: { code: status, message, errors: [{ reason, message }] } });
    if (found === undefined)
      return refuse(404, 'instanceDoesNotExist', 'The Cloud SQL instance does not exist.');
    if (found.refusal !== null)
      return refuse(found.refusal.status, found.refusal.reason, found.refusal.message);
    if (what === undefined) return send(200, { settings: { userLabels: found.labels } });
    if (what === '/connectSettings')
      return send(200, {
        kind: 'sql#connectSettings',
        region: found.name.split(':')[1],
        databaseVersion: found.version,
        ipAddresses: [{ type: found.addressType, ipAddress: found.address }],
        serverCaCert: { cert: read('server-ca.pem') },
        dnsName: found.dnsName,
      });
    found.certificates++;
    const { public_key } = JSON.parse(body) as { public_key: string };
    return send(200, { ephemeralCert: { cert: certify(public_key) } });
  };
  const api = createHttpServer((request, response) => void answer(request, response));
  api.listen(0, '127.0.0.1');
  await once(api, 'listening');

  return {
    url: `http://127.0.0.1:${(api.address() as AddressInfo).port}`,
    instances,
    asked,
    async add(name, version, port, subject = `${name.split(':')[0]}:${name.split(':')[2]}`) {
      const file = name.replaceAll(':', '-');
      openssl('req', ...key(file), '-out', `${file}.csr`, '-subj', `/CN=${subject}`);
      openssl('x509', '-req', '-in', `${file}.csr`, ...signed('server-ca'), '-days', '2', '-out', `${file}.pem`); // prettier-ignore
      const instance: TestInstance = {
        name, version, labels: {}, address: `127.${randomInt(1, 255)}.${randomInt(1, 255)}.${randomInt(1, 255)}`,
        addressType: 'PRIMARY', dnsName: '', refusal: null, certificates: 0, entered: 0,
      }; // prettier-ignore
      const front = createServer(
        { cert: read(`${file}.pem`), key: read(`${file}.key`), ca: read('client-ca.pem'), requestCert: true, minVersion: 'TLSv1.3' }, // prettier-ignore
        (secure) => {
          instance.entered++;
          const database = connect(port, '127.0.0.1');
          for (const each of [secure, database]) {
            sockets.add(each);
            each.on('error', () => undefined);
            each.once('close', () => (secure.destroy(), database.destroy(), sockets.delete(each)));
          }
          secure.pipe(database).pipe(secure);
        },
      );
      front.on('tlsClientError', () => undefined);
      front.listen(3307, instance.address);
      await once(front, 'listening');
      fronts.push(front);
      instances.set(name, instance);
      return instance;
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      api.closeAllConnections();
      await Promise.all([api, ...fronts].map((server) => new Promise((resolve) => server.close(resolve))));
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** A token that is the account's address, for an assertion that its key has signed. */
function tokenFor(body: string, accounts: ReadonlyMap<string, string>): [number, unknown] {
  const [head = '', claims = '', signature = ''] = (new URLSearchParams(body).get('assertion') ?? '').split('.'); // prettier-ignore
  const { iss, scope } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as Record<string, string>;
  const known = accounts.get(iss ?? '');
  const good =
    known !== undefined &&
    scope === 'https://www.googleapis.com/auth/sqlservice.admin' &&
    verify('RSA-SHA256', Buffer.from(`${head}.${claims}`), known, Buffer.from(signature, 'base64url'));
  if (!good) return [400, { error: 'invalid_grant', error_description: 'Invalid JWT Signature.' }];
  return [200, { access_token: iss, expires_in: 3600 }];
}
