/** TLS with a SQL Server, which has its handshake inside the packets of its own protocol. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AddressInfo, connect as dial, createServer, type Socket } from 'node:net';
import { extractAll } from '#tests/connectors';
import { connect, endScene, start, steps } from '#tests/sqlserver-scene';
import { MessageReader, MessageWriter, PACKET } from '../support/tds-server/packets.ts';
import type { SessionOptions } from '../support/tds-server/session.ts';
import { done, loginAck, routing } from '../support/tds-server/tokens.ts';

afterEach(endScene);

/** What a server says until TLS is agreed on: its PRELOGIN, and two flights of the handshake. */
const PLAIN_MESSAGES = 3;

/** Somebody on the way, who passes everything on as it is and adds `words` to the last message of the handshake. */
async function startRelay(port: number, words: Buffer) {
  const sockets: Socket[] = [];
  const server = createServer((client) => {
    const beyond = dial(port, '127.0.0.1');
    sockets.push(client, beyond);
    for (const socket of [client, beyond]) socket.on('error', () => undefined);
    client.on('data', (bytes: Buffer) => beyond.write(bytes)).on('close', () => beyond.destroy());
    beyond.on('close', () => client.destroy());
    const reader = new MessageReader();
    let messages = 0;
    beyond.on('data', (bytes: Buffer) => {
      const before = messages;
      if (messages < PLAIN_MESSAGES) messages += reader.push(bytes).length;
      const last = before < PLAIN_MESSAGES && messages >= PLAIN_MESSAGES;
      client.write(last ? Buffer.concat([bytes, words]) : bytes);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    // A TCP server's address is never a path.
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe('TLS', () => {
  let folder: string;
  const made = { ca: '', cert: '', key: '' };

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tradewind-tls-'));
    const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
    openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=Test CA');
    openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'key.pem', '-out', 'csr.pem', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost');
    openssl('x509', '-req', '-in', 'csr.pem', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-out', 'cert.pem', '-days', '2', '-copy_extensions', 'copy');
    const read = (name: string) => readFileSync(join(folder, name), 'utf8');
    Object.assign(made, { ca: read('ca.pem'), cert: read('cert.pem'), key: read('key.pem') });
  }); // prettier-ignore
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const encrypted = (options: Partial<SessionOptions> = {}) =>
    start({ certificate: { cert: made.cert, key: made.key }, ...options });

  test.each(['prefer', 'require', 'verify-full'] as const)(
    '%s encrypts all of a session',
    async (sslMode) => {
      const server = await encrypted();
      const changes = { host: 'localhost', sslMode, ...(sslMode === 'verify-full' ? { ca: made.ca } : {}) };
      const session = await connect(server, changes);
      expect([...server.sessions].map((each) => each.encrypted)).toEqual([true]);
      await session.openSnapshot();
      const { columns: chosen } = await session.describe('dbo.things');
      const units = await session.planUnits('dbo.things', { targetBytes: 1e12 });
      expect((await extractAll(session, units, chosen)).tally.rows).toBe(3000);
      const tls = (await steps(server, changes)).find(({ name }) => name === 'tls');
      expect(tls).toMatchObject({ status: 'passed', message: expect.stringContaining('TLSv1.2') });
    },
  );

  test.each([
    ['without its authority', { host: 'localhost', sslMode: 'verify-full' }],
    ['of another name', { host: '127.0.0.1', sslMode: 'verify-full', ca: 'made' }],
  ] as const)('a certificate %s is refused, by a test and by a run', async (_, given) => {
    const server = await encrypted();
    const changes = { ...given, ...('ca' in given ? { ca: made.ca } : {}) };
    await expect(connect(server, changes)).rejects.toMatchObject({ code: 'tls-unverified' });
    expect([...server.sessions].every(({ login }) => login === null)).toBe(true);
    const failed = (await steps(server, changes)).find(({ status }) => status === 'failed');
    expect(failed).toMatchObject({ name: 'tls', code: 'tls-unverified' });
  });

  test('what somebody on the way says in plain text behind the handshake leads nowhere', async () => {
    const server = await encrypted();
    const other = await encrypted();
    const packets: Buffer[] = [];
    const writer = new MessageWriter(PACKET.answer, 4096, (packet) => packets.push(packet));
    // A welcome that sends the session on: its next server would be held to the name in here.
    for (const token of [loginAck(), routing('localhost', other.port), done('batch', 0)]) writer.write(token);
    writer.end();
    const way = await startRelay(server.port, Buffer.concat(packets));
    try {
      const changes = { host: 'localhost', port: way.port, sslMode: 'verify-full', ca: made.ca } as const;
      await expect(connect(server, changes)).rejects.toMatchObject({
        code: 'tls-tampered',
        name: 'TerminalError',
        message: expect.stringContaining(`localhost:${way.port}`),
      });
    } finally {
      await way.stop();
    }
    expect(server.all.map(({ encrypted: agreed }) => agreed)).toEqual([true]);
    expect([...server.all, ...other.all].every(({ login }) => login === null)).toBe(true);
  });

  test('a server that denies TLS is told no password where TLS was asked for', async () => {
    const server = await start();
    for (const sslMode of ['require', 'verify-full'] as const)
      await expect(connect(server, { sslMode })).rejects.toMatchObject({ code: 'tls-not-offered' });
    expect([...server.sessions].every(({ login }) => login === null)).toBe(true);
  });

  test('a server that takes encrypted sessions only says so', async () => {
    const server = await start({ tlsRequired: true });
    await expect(connect(server, { sslMode: 'disable' })).rejects.toMatchObject({ code: 'tls-required' });
  });
});
