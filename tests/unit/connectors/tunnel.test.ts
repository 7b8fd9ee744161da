import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { makeHostGuard, parseAllowedHosts } from '#connectors/hosts';
import { openWay, type Way } from '#connectors/tunnel';
import { SshTunnel } from '#core/source';
import { type Bastion, portOf, startBastion } from '#tests/bastion';
import { makeTestContext } from '#tests/connectors';

let database: Server;
let bastion: Bastion;
const signal = new AbortController().signal;
const ways: Way[] = [];

beforeAll(async () => {
  // It greets, as MySQL does, and then repeats what it hears.
  database = createServer((socket) => {
    socket.on('error', () => undefined).write('hello ');
    socket.pipe(socket);
  });
  database.listen(0, '127.0.0.1');
  await once(database, 'listening');
  bastion = await startBastion({
    'db.internal': portOf(database),
    'closed.internal': 1,
  });
});
afterEach(() => {
  for (const way of ways.splice(0)) way.close();
});
afterAll(async () => {
  await bastion.stop();
  await new Promise((resolve) => database.close(resolve));
});

const hosts = makeHostGuard(parseAllowedHosts('127.0.0.1'));
async function open(
  host: string,
  ssh: { password?: string; privateKey?: string },
  more: Partial<SshTunnel> = {},
  guard = hosts,
): Promise<Way> {
  const { port, hostKey } = bastion;
  const tunnel = SshTunnel.parse({ host: '127.0.0.1', port, user: 'tradewind', hostKey, ...more });
  const way = await openWay(
    { kind: 'postgres', host, port: 5432, tunnel },
    { password: '', ssh },
    { ...makeTestContext(), hosts: guard },
    signal,
  );
  ways.push(way);
  return way;
}
async function say(way: Way, text: string): Promise<string> {
  const socket = connect(way.pinned.port, way.pinned.address);
  let heard = '';
  socket.on('data', (bytes: Buffer) => (heard += bytes.toString()));
  socket.write(text);
  while (heard.length < text.length + 6) await once(socket, 'data');
  socket.destroy();
  return heard;
}

test('the database is reached through the bastion, by a name of its own; every connection counts once', async () => {
  for (const ssh of [{ password: bastion.password }, { privateKey: bastion.privateKey }]) {
    const before = bastion.seen.forwarded;
    const way = await open('db.internal', ssh);
    // What certificates are compared with.
    expect(way.pinned).toMatchObject({ host: 'db.internal', address: '127.0.0.1' });
    expect(await say(way, 'one')).toBe('hello one');
    expect(bastion.seen.forwarded - before).toBe(1);
    expect(await Promise.all([say(way, 'two'), say(way, 'three')])).toEqual(['hello two', 'hello three']);
    way.close();
    await expect(say(way, 'four')).rejects.toThrow(/ECONNREFUSED/);
  }
});

test('nothing is sent to a server whose key is not the confirmed one; its key is told', async () => {
  const before = bastion.seen.attempts;
  const ssh = { password: bastion.password };
  await expect(open('db.internal', ssh, { hostKey: null })).rejects.toMatchObject({
    code: 'host-key-unconfirmed',
    message: expect.stringContaining(bastion.hostKey),
  });
  const other = `SHA256:${'A'.repeat(43)}`;
  await expect(open('db.internal', ssh, { hostKey: other })).rejects.toMatchObject({
    code: 'host-key-changed',
    message: expect.stringContaining(other),
  });
  expect(bastion.seen.attempts).toBe(before);
});

test('each thing that goes wrong has a code of its own', async () => {
  const right = { password: bastion.password };
  const refused = (...wanted: Parameters<typeof open>) =>
    open(...wanted).catch((error: unknown) => Object(error).code as unknown);
  expect(await refused('db.internal', { password: 'wrong' })).toBe('ssh-sign-in-failed');
  expect(await refused('db.internal', {})).toBe('ssh-sign-in-failed');
  expect(await refused('db.internal', { privateKey: 'no key' })).toBe('ssh-key-invalid');
  const shut = await startBastion(null);
  const other = { port: shut.port, hostKey: shut.hostKey };
  expect(await refused('db.internal', { password: shut.password }, other)).toBe('tunnel-forbidden');
  await shut.stop();
  expect(await refused('closed.internal', right)).toBe('source-unreachable');
  expect(await refused('db.internal', right, { port: 1 })).toBe('source-unreachable');
  // The bastion is a host like any other; what is behind it is its own.
  expect(await refused('db.internal', right, {}, makeHostGuard([]))).toBe('host-refused');
});

test('when the bastion goes, so does every connection through it', async () => {
  const way = await open('db.internal', { password: bastion.password });
  const socket = connect(way.pinned.port, way.pinned.address).on('error', () => undefined);
  await once(socket, 'data');
  const gone = once(socket, 'close');
  bastion.cut();
  await gone;
  expect(socket.destroyed).toBe(true);
});
