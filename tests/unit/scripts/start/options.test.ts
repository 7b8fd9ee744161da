import { HELP, parseOptions as parse } from '#scripts/start/options';

const parseOptions = (argv: readonly string[]) => parse(argv, '/home/ann', '/opt/tradewind');

test('nothing asked for is the demo, staying up', () => {
  expect(parseOptions([])).toEqual({
    input: { kind: 'demo' },
    columns: {},
    once: false,
    report: null,
    reset: false,
    state: '/opt/tradewind/.tradewind',
  });
});

test('order lines in a file, with columns named', () => {
  const options = parseOptions([
    '--once',
    '--orders',
    'o.csv.gz',
    '--columns',
    'customer=Kunde, item=Artikel Nr',
    '--report',
    'r.json',
    '--reset',
    '--state',
    '/tmp/s',
  ]);
  expect(options).toEqual({
    input: { kind: 'orders', file: '/home/ann/o.csv.gz', encoding: 'utf-8' },
    columns: { customer: 'Kunde', item: 'Artikel Nr' },
    once: true,
    report: '/home/ann/r.json',
    reset: true,
    state: '/tmp/s',
  });
});

test('a database: the password apart, special signs decoded', () => {
  expect(
    parseOptions(['--source', 'postgresql://re%40der:p%3Aw%2F@db.example.com/shop?sslmode=require']),
  ).toMatchObject({
    input: {
      kind: 'source',
      address: {
        settings: {
          kind: 'postgres',
          host: 'db.example.com',
          port: 5432,
          database: 'shop',
          user: 're@der',
          sslMode: 'require',
        },
        credentials: { password: 'p:w/' },
      },
    },
  });
  expect(parseOptions(['--source', 'postgres://u:p@[::1]:6000/d'])).toMatchObject({
    input: { address: { settings: { host: '::1', port: 6000, sslMode: 'prefer' } } },
  });
  for (const scheme of ['mysql', 'mariadb'])
    expect(parseOptions(['--source', `${scheme}://u:p@db.example.com/d`])).toMatchObject({
      input: { address: { settings: { kind: 'mysql', port: 3306 }, credentials: { password: 'p' } } },
    });
  for (const scheme of ['sqlserver', 'mssql'])
    expect(parseOptions(['--source', `${scheme}://u:p@db.example.com/d`])).toMatchObject({
      input: { address: { settings: { kind: 'sqlserver', port: 1433 }, credentials: { password: 'p' } } },
    });
});

test.each([
  [['--bananas'], "'--bananas'"],
  [['extra'], "'extra'"],
  [['--orders'], '--orders'],
  [['--orders', ' '], 'without a value'],
  [['--orders', 'a.csv', '--source', 'postgres://u:p@h/d'], 'exclude each other'],
  [['--orders', 'a.csv', '--encoding', 'ebcdic'], '"ebcdic"'],
  [['--encoding', 'latin1'], '--encoding'],
  [['--orders', 'a.parquet', '--encoding', 'latin1'], 'says nothing about a Parquet file'],
  [['--columns', 'customer=a'], '--columns says nothing about the demo'],
  [['--orders', 'a.csv', '--columns', 'client=a'], '"client=a"'],
  [['--orders', 'a.csv', '--columns', 'customer'], '"customer"'],
  [['--orders', 'a.csv', '--columns', 'item=a,item=b'], 'item twice'],
  [['--source', 'oracle://u:secret@h/d'], 'oracle://'],
  [['--source', 'just text'], 'not a postgres://, mysql:// or sqlserver://'],
  [['--source', 'postgres://h/d'], 'no user'],
  [['--source', 'postgres://u:secret@h'], 'no database'],
  [['--source', 'postgres://u:secret@h/d?sslmode=maybe'], 'sslMode'],
  [['--source', 'postgres://u:secret@h/d?sslcert=x'], 'sslcert'],
  [['--source', 'postgres://u:sec%zzret@h/d'], 'password'],
])('%j is refused, naming the value and the remedy, never a password', (argv, said) => {
  let error: unknown;
  try {
    parseOptions(argv);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toMatchObject({
    code: 'usage',
    message: expect.stringContaining(said),
    remedy: expect.stringMatching(/\w+/),
  });
  expect(String(error)).not.toContain('secret');
});

test('help names every option', () => {
  expect(parseOptions(['--once', '-h'])).toBe('help');
  for (const option of [
    '--once',
    '--orders',
    '--source',
    '--columns',
    '--encoding',
    '--report',
    '--reset',
    '--state',
    '--help',
  ])
    expect(HELP).toContain(`\n  ${option}`);
});
