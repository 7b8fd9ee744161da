import { TerminalError, toFailure } from '#core/errors';
import { isSecretName, LONGEST_TEXT, redactFields, redactText } from '#core/redact';

// Each holds the secret once, in the shapes that drivers, libraries, shells and people write it down.
const S = 'hunter2-Xy';
const jwt = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ1MSIsImV4cCI6MX0.c2lnbmF0dXJl-aGVyZQ';
const key = `tw_kabc23_${'aB3-_'.repeat(9).slice(0, 43)}_1aB2cD`;
const payloads: readonly (readonly [text: string, secret: string])[] = [
  [`password=${S}`, S],
  [`PASSWORD=${S}`, S],
  [`password = ${S}`, S],
  [`password='${S}'`, S],
  [`password="${S} and more"`, S],
  [`host=db user=app password='it''s ${S}' dbname=x`, S],
  [`host=db password='a\\'${S}' sslmode=require`, S],
  [`Server=db;User Id=sa;Password=${S};Encrypt=true`, S],
  [`Server=db;Pwd=${S},x;`, S],
  [`connect failed: postgres://app:${S}@db.example:5432/orders`, S],
  [`postgresql://app:${S}@db/orders?sslmode=require`, S],
  [`postgres://app:p@ss/${S}@db/orders`, S],
  [`postgres://:${S}@db`, S],
  [`mysql://root:${S}@127.0.0.1:3306`, S],
  [`mongodb+srv://u:${S}@cluster0.example.net/?retryWrites=true`, S],
  [`redis://default:${S}@cache:6379/0`, S],
  [`https://user:${S}@example.com/file.csv`, S],
  [`jdbc:postgresql://db/x?user=u&password=${S}&ssl=true`, S],
  [`jdbc:sqlserver://db:1433;user=sa;password=${S}`, S],
  [`root:${S}@tcp(127.0.0.1:3306)/shop`, S],
  [`scott:${S}@db.example:1521/xe`, S],
  [`Authorization: Bearer ${jwt}`, 'c2lnbmF0dXJl'],
  ['authorization: bearer abcdef123456', 'abcdef123456'],
  ['Authorization: Basic dXNlcjpodW50ZXIy', 'dXNlcjpodW50ZXIy'],
  ['sent Bearer ya29.a0AfH6SMBxyz12345', 'a0AfH6SMBxyz12345'],
  [`the token ${jwt} has expired`, 'eyJzdWIi'],
  [`broken off: ${jwt.slice(0, 40)}`, 'hbGciOiJ'],
  [`X-Api-Key: ${key}`, 'aB3-_aB3'],
  [`key ${key} is unknown`, 'aB3-_aB3'],
  [`cut: ${key.slice(0, 30)}`, 'aB3-_aB3'],
  [`signed by twhs_${'aB3-_'.repeat(9).slice(0, 43)}`, 'aB3-_aB3'],
  [`{"password":"${S}"}`, S],
  [`{"password": "a\\"${S}", "user": "app"}`, S],
  [`{\\"password\\":\\"${S}\\",\\"user\\":\\"app\\"}`, S],
  [`{'password': '${S}'}`, S],
  [`{ user: 'app', password: '${S}' }`, S],
  [`{ credentials: { user: 'app', password: '${S}' } }`, S],
  [`{ dbPassword: "${S}" }`, S],
  [`{ password: \`${S}\` }`, S],
  [`{"clientSecret":"${S}","refreshToken":"1//0abc"}`, S],
  [`{"client_secret":"${S}`, S],
  [`password: ${S}`, S],
  [`api_key=${S}`, S],
  [`?api-key=${S}&x=1`, S],
  [`?access_token=${S}&x=1`, S],
  [`--db-password=${S} --verbose`, S],
  [`TRADEWIND_TENANT_KEYS=1:${S}`, S],
  [`TRADEWIND_INSTALLATION_KEY=${S}`, S],
  [`PGPASSWORD=${S} psql`, S],
  [`AWS_SECRET_ACCESS_KEY=${S}`, S],
  [`https://storage.googleapis.com/b/o?X-Goog-Signature=${S}&X-Goog-Date=1`, S],
  [`https://x.example/?next=%2F&password%3D${S}`, S],
  [`-----BEGIN PRIVATE KEY-----\nMIIEvQ${S}\n-----END PRIVATE KEY-----`, S],
  [`-----BEGIN RSA PRIVATE KEY-----\nMIIEvQ${S}`, S],
  [`{"private_key":"-----BEGIN PRIVATE KEY-----\\nMIIEvQ${S}\\n-----END PRIVATE KEY-----\\n"}`, S],
  [`Cookie: session=${S}; theme=dark`, S],
  [`Set-Cookie: sid=${S}; HttpOnly`, S],
  ['key AIzaSyA1234567890abcdefghijklmnopqrstuv given', 'SyA1234567890'],
  ['ghp_abcdefghijklmnopqrstuvwxyz0123456789', 'abcdefghijklmnop'],
  ['github_pat_11ABCDEFG0abcdefghijkl_mnop', 'ABCDEFG0abcdef'],
  ['xoxb-123456789012-abcdefghijkl', '123456789012'],
  ['sk_live_abcdefghijklmnop1234', 'abcdefghijklmnop'],
  ['AKIAIOSFODNN7EXAMPLE refused', 'IOSFODNN7EXAMPLE'],
  ['key: <Buffer 0a 1b 2c 3d 4e>', '0a 1b 2c'],
  [`passphrase="${S}"`, S],
  [`secret=${S}\nadmin signed in`, S],
];

test(`a text keeps none of ${payloads.length} secrets, once or twice redacted`, () => {
  expect(payloads.length).toBeGreaterThan(50);
  for (const [text, secret] of payloads) {
    expect(text).toContain(secret);
    const redacted = redactText(text);
    expect({ text, redacted, leaked: redacted.includes(secret) }).toMatchObject({ leaked: false });
    expect(redacted).toContain('***');
    expect(redactText(redacted)).toBe(redacted);
    // In the middle of a line, and with a line of the attacker's own behind it.
    expect(redactText(`at 12:00 ${text} and so on`)).not.toContain(secret);
    expect(redactFields({ error: `Error: ${text}\n    at x.ts:1` })['error']).not.toContain(secret);
  }
});

test.each([
  'password authentication failed for user "app"',
  'The body is not valid: credentials.password: must not be empty.',
  'token: expected a string',
  'The secret could not be opened: its tenant’s key is not here.',
  'Bearer authentication is required',
  'Basic access is refused',
  'at https://db.example:5432/orders',
  'column "price" of table "orders" has the type numeric(12,2)',
  'see gs://bucket/t1/m1/runs/r1/artifact.json',
  'mail to ann@example.com',
  'The key "id" is not unique: 12 rows',
  '12:30:45 started',
])('%j stays as it is', (text) => {
  expect(redactText(text)).toBe(text);
});

test('what follows a secret can still be read', () => {
  expect(redactText(`postgres://app:${S}@db.example:5432/orders refused`)).toBe(
    'postgres://app:***@db.example:5432/orders refused',
  );
  expect(redactText(`host=db password=${S} dbname=orders`)).toBe('host=db password=*** dbname=orders');
  expect(redactText(`{"password":"${S}","user":"app"}`)).toBe('{"password":"***","user":"app"}');
});

test.each([
  ['a line end', 'ok\n{"severity":"ERROR"}', 'ok\\n{"severity":"ERROR"}'],
  ['a carriage return', 'ok\rgone', 'ok\\rgone'],
  ['a colour', '\u001b[31mred', '\\u001b[31mred'],
  ['a null', 'a\u0000b', 'a\\u0000b'],
  ['a C1 control', 'a\u0085b', 'a\\u0085b'],
  ['a line separator', 'a\u2028b', 'a\\u2028b'],
  ['text turned round', 'a\u202eb', 'a\\u202eb'],
])('%s is escaped', (_, text, escaped) => {
  expect(redactText(text)).toBe(escaped);
});

test('a long text is cut, and long ones cost little', () => {
  expect(redactText('x'.repeat(1_000_000)).length).toBeLessThanOrEqual(LONGEST_TEXT);
  for (const hostile of [
    '://a:',
    'password=',
    '"password":"',
    'a:b@',
    'eyJ',
    'token:',
    '\\"secret\\":\\"',
    '-',
  ])
    expect(redactText(hostile.repeat(30_000)).length).toBeLessThanOrEqual(LONGEST_TEXT);
});

test('fields are masked by their names, whatever they hold', () => {
  expect(
    redactFields({
      password: 'x',
      apiKey: 7,
      refresh_token: 'y',
      passwordSet: true,
      secret: null,
      rows: 12,
      user: 'app',
    }),
  ).toEqual({
    password: '***',
    apiKey: '***',
    refresh_token: '***',
    passwordSet: true,
    secret: null,
    rows: 12,
    user: 'app',
  });
  expect(isSecretName('customerKey')).toBe(false);
});

test('a failure that is kept on a run says nothing secret', () => {
  const failure = toFailure(
    new TerminalError('connection-refused', `could not connect to postgres://app:${S}@db`, {
      remedy: `Check password=${S}.`,
    }),
  );
  expect(JSON.stringify(failure)).not.toContain(S);
});
