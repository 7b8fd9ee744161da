import { TerminalError, TransientError } from '#core/errors';
import { makeHostGuard, parseAllowedHosts, type Resolver } from '#connectors/hosts';
import { HOSTILE_HOSTS, PUBLIC_HOSTS } from '#tests/hostile-hosts';

/** What the hostile DNS of these tests answers; everything else does not exist. */
const zone: Record<string, readonly string[]> = {
  'db.example.com': ['93.184.216.34', '2606:2800:220:1:248:1893:25c8:1946'],
  'only6.example.com': ['2606:2800:220:1:248:1893:25c8:1946'],
  'inside.example.com': ['10.0.0.5'],
  'mixed.example.com': ['93.184.216.34', '192.168.1.1'],
  'mapped.example.com': ['::ffff:127.0.0.1'],
  'rebind.example.com': ['127.0.0.1'],
  'meta.example.com': ['169.254.169.254'],
  'zone.example.com': ['fe80::1%eth0'],
  'nat64.example.com': ['64:ff9b::a9fe:a9fe'],
  'empty.example.com': [],
  localhost: ['127.0.0.1', '::1'],
  'metadata.google.internal': ['169.254.169.254'],
  'db.internal': ['10.1.2.3'],
};
const resolve: Resolver = async (host) => {
  if (host === 'slow.example.com') throw Object.assign(new Error('try again'), { code: 'EAI_AGAIN' });
  const found = zone[host.replace(/\.$/, '')];
  if (found === undefined) throw Object.assign(new Error('not found'), { code: 'ENOTFOUND' });
  return found;
};
const guard = makeHostGuard([], resolve);

describe('hosts given by customers', () => {
  test.each(HOSTILE_HOSTS)('%j is refused', async (host) => {
    await expect(guard.pin(host, 5432)).rejects.toMatchObject({
      code: 'host-refused',
      message: expect.stringContaining('host'),
    });
  });

  test('the corpus is as large as it says', () => {
    expect(new Set(HOSTILE_HOSTS).size).toBeGreaterThanOrEqual(200);
    expect(new Set(PUBLIC_HOSTS).size).toBeGreaterThanOrEqual(20);
  });

  test.each(PUBLIC_HOSTS)('%s is no false alarm', async (host) => {
    const everywhere = makeHostGuard([], () => Promise.resolve(['93.184.216.34']));
    expect((await everywhere.pin(host, 5432)).port).toBe(5432);
  });

  test.each([
    ['db.example.com', '93.184.216.34'],
    ['DB.Example.COM.', '93.184.216.34'],
    ['only6.example.com', '2606:2800:220:1:248:1893:25c8:1946'],
    ['93.184.216.34', '93.184.216.34'],
    ['8.8.8.8', '8.8.8.8'],
    ['172.32.0.1', '172.32.0.1'],
    ['100.128.0.1', '100.128.0.1'],
    ['[2606:4700::1111]', '2606:4700::1111'],
    ['::ffff:8.8.8.8', '8.8.8.8'],
  ])('%s is taken and pinned to %s', async (host, address) => {
    expect(await guard.pin(host, 5432)).toMatchObject({ address, port: 5432 });
  });

  test('a pinned name is verified under its own name, whatever its address', async () => {
    expect(await guard.pin('Db.Example.Com.', 5432)).toEqual({
      host: 'db.example.com',
      address: '93.184.216.34',
      family: 4,
      port: 5432,
    });
  });

  test('a name that does not exist is told apart from a resolver that fails', async () => {
    await expect(guard.pin('no.example.com', 1)).rejects.toThrow(TerminalError);
    await expect(guard.pin('no.example.com', 1)).rejects.toMatchObject({ code: 'host-unknown' });
    await expect(guard.pin('empty.example.com', 1)).rejects.toMatchObject({ code: 'host-unknown' });
    await expect(guard.pin('slow.example.com', 1)).rejects.toThrow(TransientError);
  });
});

describe('the operator’s allow-list', () => {
  const open = (list: string) => makeHostGuard(parseAllowedHosts(list), resolve);

  test.each([
    ['127.0.0.1:5432', '127.0.0.1'],
    ['127.0.0.1', '127.0.0.1'],
    ['localhost:5432', 'localhost'],
    ['10.0.0.0/8', '10.9.8.7'],
    ['10.0.0.0/8:5432', 'db.internal'],
    ['db.internal', 'db.internal'],
    ['10.1.2.3', 'db.internal'],
    ['[::1]', '::1'],
    ['[fd00::/8]:5432', 'fd12::1'],
    ['other.internal, db.internal ,', 'DB.internal.'],
    ['127.0.0.1', '::ffff:127.0.0.1'],
  ])('%j opens %j', async (list, host) => {
    expect((await open(list).pin(host, 5432)).port).toBe(5432);
  });

  test.each([
    ['127.0.0.1:5433', '127.0.0.1'],
    ['10.0.0.0/16', '10.1.0.0'],
    ['db.internal', '10.1.2.3'],
    ['internal', 'db.internal'],
    ['169.254.169.254', '169.254.169.254'],
    ['169.254.0.0/16', 'meta.example.com'],
    ['metadata.google.internal', 'metadata.google.internal'],
    ['[fd00::/8]', 'fd00:ec2::254'],
    ['192.168.1.1', 'inside.example.com'],
  ])('%j does not open %j', async (list, host) => {
    await expect(open(list).pin(host, 5432)).rejects.toMatchObject({ code: 'host-refused' });
  });

  test('an entry that cannot be read stops the start, by name', () => {
    expect(() => parseAllowedHosts('10.0.0.1,http://x')).toThrow('"http://x"');
  });
});
