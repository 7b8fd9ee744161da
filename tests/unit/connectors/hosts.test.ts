import { TerminalError, TransientError } from '#core/errors';
import { makeHostGuard, parseAllowedHosts, type Resolver } from '#connectors/hosts';

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

const hostile = [
  // Ways to write loopback and other inside addresses.
  '127.0.0.1', '127.1', '127.0.1', '0', '0.0.0.0', '2130706433', '0x7f000001', '0x7f.1', '0177.0.0.1', '017700000001',
  '127.0.0.1.', '127.255.255.254', '0x7F.0x0.0x0.0x1', '①②⑦.⓪.⓪.①', '127。0。0。1', '١٢٧.٠.٠.١',
  'localhost', 'LOCALHOST', 'localhost.', 'rebind.example.com',
  // Private and special IPv4.
  '10.0.0.1', '10.255.255.255', '172.16.0.1', '172.31.255.255', '192.168.0.1', '100.64.0.1', '100.127.255.255',
  '169.254.1.1', '192.0.0.1', '192.0.2.1', '198.18.0.1', '198.19.255.255', '198.51.100.7', '203.0.113.9',
  '224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255', '192.88.99.1',
  // Metadata.
  '169.254.169.254', '2852039166', '0xa9fea9fe', '0251.0376.0251.0376', '169.254.43518', 'meta.example.com',
  'metadata.google.internal', 'metadata.google.internal.', '169.254.170.2', '100.100.100.200', 'fd00:ec2::254',
  '168.63.129.16',
  // IPv6 that is inside, or hides an IPv4.
  '::1', '[::1]', '::', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1', '::ffff:7f00:1', '[::ffff:10.0.0.1]', '::127.0.0.1',
  '::ffff:169.254.169.254', '64:ff9b::7f00:1', '64:ff9b::10.0.0.1', '64:ff9b:1::1', '2002:7f00:1::', '2001::1',
  '2001:db8::1', '3fff::1', 'fc00::1', 'fd12:3456::1', 'fe80::1', 'fe80::1%eth0', 'fec0::1', 'ff02::1', '100::1',
  '::ffff:0:127.0.0.1',
  // Names that point inside, wholly or partly.
  'inside.example.com', 'mixed.example.com', 'mapped.example.com', 'zone.example.com', 'nat64.example.com',
  // Not hosts at all.
  '', ' ', '/etc/passwd', '/var/run/postgresql', '@socket', 'user@db.example.com', 'db.example.com:5432',
  'db.example.com/x', 'db.example.com,127.0.0.1', 'db.example.com?host=/tmp', 'db.example.com\u0000.evil.org',
  'db.example.com\n127.0.0.1', 'db example.com', '%31%32%37.0.0.1', 'http://db.example.com', 'a..b', '-a.example.com',
  `${'a'.repeat(64)}.example.com`, 'x.'.repeat(130), 'bücher.example.com', '\\\\server\\share', '*.example.com',
]; // prettier-ignore

describe('hosts given by customers', () => {
  test.each(hostile)('%j is refused', async (host) => {
    await expect(guard.pin(host, 5432)).rejects.toMatchObject({
      code: 'host-refused',
      message: expect.stringContaining('host'),
    });
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
