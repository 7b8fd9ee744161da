import { createServer, type Server, type Socket } from 'node:net';
import { openClient, type PostgresSettings } from '#connectors/postgres/connection';

let server: Server;
let answer: Buffer = Buffer.alloc(0);
const sockets = new Set<Socket>();
beforeAll(async () => {
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', () => socket.write(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

/** A message of the protocol: its letter, its length (its own unless given), its bytes. */
function message(letter: string, body: Buffer | string, length?: number): Buffer {
  const bytes = Buffer.from(body);
  const head = Buffer.alloc(5);
  head.write(letter, 0, 'latin1');
  head.writeUInt32BE(length ?? bytes.length + 4, 1);
  return Buffer.concat([head, bytes]);
}
const authenticated = message('R', Buffer.from([0, 0, 0, 0]));

function open() {
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const settings: PostgresSettings = {
    kind: 'postgres',
    host: '127.0.0.1',
    port,
    database: 'd',
    user: 'u',
    sslMode: 'disable',
  };
  const pinned = { host: '127.0.0.1', address: '127.0.0.1', family: 4 as const, port };
  return openClient(settings, { password: 'p' }, pinned, AbortSignal.timeout(8000));
}

test.each([
  ['an error message whose text has no end', message('E', 'SFATAL\0C28P01\0Mfor ever and ever')],
  ['an error message without its last zero', message('E', 'SFATAL\0C28P01\0Mno\0')],
  ['a notice without an end', message('N', 'SNOTICE\0Mlook')],
  ['an empty error message', message('E', '')],
  ['columns that are not there', Buffer.concat([authenticated, message('T', Buffer.from([0, 200, 0x61]))])],
  ['a row whose field is longer than the row', message('D', Buffer.from([0, 1, 0x7f, 0xff, 0xff, 0xff]))],
  ['an unknown way to sign in', message('R', Buffer.from([0, 0, 0, 99]))],
  ['a message that claims to be huge', message('S', 'a', 0xffff_fff0)],
  ['a web server’s answer', Buffer.from('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')],
])('%s ends the connection, not the process', async (_, bytes) => {
  answer = bytes;
  const error: unknown = await open().then(
    () => 'opened',
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ code: expect.stringMatching(/^(connection-lost|source-|sign-in)/) });
});
