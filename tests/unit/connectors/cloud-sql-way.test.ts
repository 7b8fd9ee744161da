import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as rest } from 'node:timers/promises';
import { createServer as createTlsServer } from 'node:tls';
import type { Admission, CloudSqlInstances } from '#connectors/cloud-sql/instances';
import { makeHostGuard, parseAllowedHosts } from '#connectors/hosts';
import { type Loopback, openLoopback } from '#connectors/loopback';
import { openCloudSqlWay } from '../../../functions/connectors/cloud-sql/way.ts';

const servers: Server[] = [];
const sockets = new Set<Socket>();
async function serve(server: Server, host: string, port: number): Promise<void> {
  servers.push(server);
  server.on('connection', (socket) => {
    sockets.add(socket.on('error', () => undefined));
    socket.once('close', () => sockets.delete(socket));
  });
  await once(server.listen(port, host), 'listening');
}
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

const NAME = 'acme-shop:europe-west1:orders';
function open(
  address: string,
  shown: { ca: string; dnsName: string },
  admission: Admission,
  signal: AbortSignal,
): Promise<{ close(): void }> {
  const instances: CloudSqlInstances = {
    account: 'nobody',
    place: async () => ({ host: address, version: 'POSTGRES_16', ...shown }),
    admit: async () => admission,
  };
  const settings = { kind: 'postgres', host: NAME, cloudSql: { address: 'public' } } as const;
  return openCloudSqlWay(settings, instances, makeHostGuard(parseAllowedHosts(address)), signal);
}

test('an abort while an instance says nothing ends the attempt, its connection, and nothing else', async () => {
  const address = '127.41.17.3';
  const server = createServer((socket) => socket.resume());
  await serve(server, address, 3307);
  const stop = new AbortController();
  const none = { certificate: '', privateKey: '' };
  const way = open(address, { ca: 'none', dnsName: '' }, none, stop.signal);
  const refused = way.catch((error: unknown) => error);
  while (sockets.size === 0) await rest(5);
  const [socket] = sockets;
  const closed = once(socket!, 'close');
  await rest(50);
  stop.abort(new Error('enough'));
  expect(await refused).toMatchObject({ message: 'enough' });
  await closed;
  // An error that nobody listens to would end the process here, and everybody else's work in it.
  await rest(20);
});

test('the certificate has to be the instance’s, by its name or its subject, and of its authority', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'tradewind-way-'));
  const make = (file: string, subject: string, ...more: string[]) => {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${file}.key`];
    const to = ['-out', `${file}.pem`, '-days', '2', '-subj', subject];
    execFileSync('openssl', ['req', '-x509', ...key, ...to, ...more], { cwd: dir, stdio: 'ignore' });
    const read = (end: string) => readFileSync(join(dir, `${file}.${end}`), 'utf8');
    return { certificate: read('pem'), privateKey: read('key') };
  };
  // An authority that many instances have in common.
  const authority = make('ca', '/CN=ca');
  const by = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-addext', 'basicConstraints=CA:FALSE'];
  const named = (name: string) => [...by, '-addext', `subjectAltName=DNS:${name}`];
  const [ours, others] = ['0123.europe-west1.sql.goog', '4567.europe-west1.sql.goog'];
  const cases = [
    [make('subject', '/CN=acme-shop:orders', ...by), '', null],
    [make('name', '/', ...named(ours)), ours, null],
    [make('both', '/CN=acme-shop:orders', ...named(others)), ours, null],
    [make('other-name', '/', ...named(others)), ours, 'tls-unverified'],
    [make('other-subject', '/CN=acme-shop:web', ...named(ours)), '', 'tls-unverified'],
    [make('nothing', '/', ...named(ours)), '', 'tls-unverified'],
    [make('own', '/CN=acme-shop:orders'), '', 'tls-unverified'],
  ] as const;
  rmSync(dir, { recursive: true });
  const found = await Promise.all(
    cases.map(async ([{ certificate, privateKey }, dnsName], index) => {
      const address = `127.41.18.${index + 1}`;
      await serve(createTlsServer({ cert: certificate, key: privateKey }), address, 3307);
      const shown = { ca: authority.certificate, dnsName };
      return open(address, shown, authority, new AbortController().signal).then(
        (way) => (way.close(), null),
        (error: unknown) => Object(error).code as unknown,
      );
    }),
  );
  expect(found).toEqual(cases.map(([, , code]) => code));
});

const PART = 16 * 1024;
/** Says so much in parts as TLS has them, and is then closed. `taken`: what of it was asked for. */
function speaker(bytes: number): Duplex & { taken: number } {
  const far = Object.assign(
    new Duplex({
      read() {
        const left = Math.min(PART, bytes - far.taken);
        far.taken += left;
        far.push(left === 0 ? null : Buffer.alloc(left));
      },
      write: (_chunk, _encoding, done) => done(),
    }),
    { taken: 0 },
  );
  return far.once('end', () => far.end());
}

/** Connects, and waits until nothing moves any more, for nothing is read. */
async function connectAndWait(far: Duplex & { taken: number }): Promise<[Loopback, Socket]> {
  const loopback = await openLoopback('db', async () => far);
  const socket = connect(loopback.pinned.port, loopback.pinned.address);
  for (let before = -1; far.taken === 0 || before !== far.taken; await rest(40)) before = far.taken;
  return [loopback, socket];
}

test('what a server said last before it went arrives whole, however late it is read', async () => {
  // So much is on the way when the pipe has stopped because the kernel takes no more.
  const endless = speaker(1 << 30);
  (await connectAndWait(endless))[0].close();
  for (const parts of [2, 4, 6]) {
    const said = endless.taken - parts * PART;
    const [loopback, socket] = await connectAndWait(speaker(said));
    let heard = 0;
    socket.on('data', (bytes) => (heard += bytes.length));
    await once(socket, 'close');
    loopback.close();
    expect(heard).toBe(said);
  }
});
