/*
 * Hosts that a customer's source must never lead to, in every way of writing them that a resolver, a URL parser or a
 * database driver somewhere takes for an address (OWASP SSRF prevention; the address registries of IANA).
 */

/** Four numbers of an IPv4 address. */
type Quad = readonly [number, number, number, number];

/** Inside addresses that attackers ask for: loopback, private networks, the clouds' metadata. */
const INSIDE: readonly Quad[] = [
  [127, 0, 0, 1],
  [10, 0, 0, 5],
  [192, 168, 1, 1],
  [172, 20, 0, 9],
  [169, 254, 169, 254],
  [100, 100, 100, 200],
  [0, 0, 0, 0],
];

/** One address in the spellings of inet_aton and of IPv6 that carries IPv4. */
function spellings([a, b, c, d]: Quad): string[] {
  const whole = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
  const hex = (value: number, digits = 2) => value.toString(16).padStart(digits, '0');
  const high = hex((a << 8) | b, 4);
  const low = hex((c << 8) | d, 4);
  return [
    `${a}.${b}.${c}.${d}`,
    `${a}.${b}.${c}.${d}.`,
    `${a}.${b}.${(c << 8) | d}`,
    `${a}.${((b << 16) | (c << 8) | d) >>> 0}`,
    String(whole),
    `0x${hex(whole, 8)}`,
    `0x${hex(a)}.0x${hex(b)}.0x${hex(c)}.0x${hex(d)}`,
    `0${a.toString(8)}.0${b.toString(8)}.0${c.toString(8)}.0${d.toString(8)}`,
    `0${whole.toString(8)}`,
    `[::ffff:${a}.${b}.${c}.${d}]`,
    `::ffff:${high}:${low}`,
    `0:0:0:0:0:ffff:${high}:${low}`,
    `::${a}.${b}.${c}.${d}`,
    `64:ff9b::${high}:${low}`,
    `2002:${high}:${low}::1`,
    `user@${a}.${b}.${c}.${d}`,
    `db.example.com@${a}.${b}.${c}.${d}`,
    `${a}.${b}.${c}.${d}#.example.com`,
  ];
}

// prettier-ignore
const WRITTEN = [
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
  // Userinfo, ports, lists and drivers' own syntax.
  'localhost\u0000', 'localhost%00', 'localhost%00.example.com', 'db.example.com;127.0.0.1', 'db.example.com|127.0.0.1',
  'postgres://127.0.0.1', '127.0.0.1:5432', '[::1]:5432', '[::1', '::1]', 'localhost:5432', '//127.0.0.1', '~/socket',
  'db.example.com\t127.0.0.1', 'db.example.com\r\nHost: x', '\u202e1.0.0.721', '127.0.0.1\u200b', '１２７.0.0.1',
  'ｌｏｃａｌｈｏｓｔ', 'ⓛocalhost', 'localhost。', '0x', '0x.0x.0x.0x', '08.0.0.1', '1.2.3.4.5', '256.0.0.1', '999999999999',
  '::ffff:127.0.0.1%lo', 'fe80::1%25eth0', '::1%0', '[fe80::1%25lo]', 'fd20:ce::254', 'fd00:ec2::23', '2620:4f:8000::1',
  '5f00::1', '100:0:0:1::1', '4000::1', 'ff05::1:3', '192.0.0.192', '169.254.170.23', '198.51.100.255', '203.0.113.0',
  '.example.com', 'example..com', '-', '*', '?', '$HOME', '${jndi:ldap://x}', '{{7*7}}', "' OR 1=1", '<db>',
];

/** Every hostile host; more than 200, none twice. */
export const HOSTILE_HOSTS: readonly string[] = [...new Set([...WRITTEN, ...INSIDE.flatMap(spellings)])];

/** Hosts as customers really have them: none may be refused for its form. */
export const PUBLIC_HOSTS: readonly string[] = [
  'db.acme.com',
  'DB.ACME.COM',
  'db.acme.com.',
  'a.co',
  'my-db.c9akciq32.eu-west-1.rds.amazonaws.com',
  'ep-cool-darkness-123456.eu-central-1.aws.neon.tech',
  'db.abcdefghijklm.supabase.co',
  'srv-captain--postgres.example.org',
  'pg_main.example.net',
  'x1.y2.z3.example',
  '10.example.com',
  '127.0.0.1.nip.example',
  'xn--bcher-kva.example',
  'db1',
  '1and1.de',
  '8.8.8.8',
  '1.1.1.1',
  '172.15.255.255',
  '172.32.0.0',
  '100.63.255.255',
  '192.167.255.255',
  '[2a00:1450:4001:81b::200e]',
  '2606:4700:4700::1111',
  '::ffff:8.8.4.4',
];
