/** TLS with a SQL Server, which has its handshake inside the packets of its own protocol. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { extractAll } from '#tests/connectors';
import { connect, endScene, start, steps } from '#tests/sqlserver-scene';
import type { SessionOptions } from '../support/tds-server/session.ts';

afterEach(endScene);

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
