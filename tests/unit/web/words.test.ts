import { z } from 'zod';
import { ApiError } from '#core/api/client';
import { readConnectionString } from '../../../web/pages/model/connection-string.ts';
import { readSoFar, sum } from '../../../web/pages/model/progress.ts';
import { safeNext, sectionOf, to } from '../../../web/paths.ts';
import { explain } from '../../../web/sentences.ts';
import { ago, bytes, counted, duration } from '../../../web/ui/format.ts';

describe('any error becomes sentences', () => {
  test('a refusal of the API keeps its words, its remedy and the request’s id', () => {
    const problem = {
      type: 'about:blank',
      title: 'Conflict',
      status: 409,
      code: 'no-tables',
      detail: 'No table is switched on.',
      remedy: 'Switch one on.',
      requestId: 'req1',
    };
    expect(explain(new ApiError(problem))).toEqual({
      what: 'No table is switched on.',
      remedy: 'Switch one on.',
      code: 'no-tables',
      requestId: 'req1',
      issues: [],
    });
  });

  const firebase = (code: string) => Object.assign(new Error(code), { name: 'FirebaseError', code });
  test.each([
    [firebase('auth/invalid-credential'), 'E-mail and password do not match.'],
    [firebase('permission-denied'), 'You may not see this.'],
    [firebase('auth/something-new'), 'The service refused (auth/something-new).'],
    [new TypeError('Failed to fetch'), 'The server cannot be reached.'],
    [z.string().safeParse(1).error, 'The answer is not what this page expects.'],
    ['a thrown string', 'Something failed that Tradewind did not expect.'],
  ])('%s', (error, what) => expect(explain(error).what).toBe(what));
});

test.each([
  ['/t/tacme/m/mbolts?customer=1', '/t/tacme/m/mbolts?customer=1'],
  ['//evil.example.com', '/'],
  ['/\\evil.example.com', '/'],
  ['https://evil.example.com', '/'],
  ['javascript:alert(1)', '/'],
  [undefined, '/'],
])('after signing in, next=%s leads to %s', (next, expected) => expect(safeNext(next)).toBe(expected));

test('addresses of a model’s sections', () => {
  expect(to.model('tacme', 'mbolts')).toBe('/t/tacme/m/mbolts');
  expect(to.model('tacme', 'mbolts', 'try')).toBe('/t/tacme/m/mbolts/try');
  expect(sectionOf('nonsense')).toBe('overview');
});

test('a pasted connection string fills the form; anything else is left alone', () => {
  expect(
    readConnectionString('postgres', 'postgres://reader:p%40ss@db.example.com/erp?sslmode=require'),
  ).toEqual({
    host: 'db.example.com',
    port: '5432',
    database: 'erp',
    user: 'reader',
    password: 'p@ss',
    sslMode: 'require',
  });
  expect(readConnectionString('postgres', 'mysql://reader@db.example.com/erp')).toBeNull();
  expect(readConnectionString('postgres', 'postgres://')).toBeNull();
  expect(readConnectionString('mysql', 'mysql://reader@db.example.com/erp?ssl-mode=REQUIRE')).toMatchObject({
    port: '3306',
    user: 'reader',
    sslMode: 'require',
  });
  expect(readConnectionString('sqlserver', 'sqlserver://reader@db.example.com/erp')).toMatchObject({
    port: '1433',
    database: 'erp',
  });
  const ado = (text: string) => readConnectionString('sqlserver', text);
  expect(
    ado(
      'Server=tcp:acme.database.windows.net,1435;Initial Catalog=erp;User ID=reader;Password="p;""x";Encrypt=True;TrustServerCertificate=False;',
    ),
  ).toEqual({
    host: 'acme.database.windows.net',
    port: '1435',
    database: 'erp',
    user: 'reader',
    password: 'p;"x',
    sslMode: 'verify-full',
  });
  expect(
    ado('Data Source=db\\SQL01; Database=erp; Uid=sa; Pwd=a=b; Encrypt=yes; Trust Server Certificate=yes'),
  ).toEqual({
    host: 'db',
    port: '1433',
    database: 'erp',
    user: 'sa',
    password: 'a=b',
    sslMode: 'require',
  });
  expect(ado('just text')).toBeNull();
});

test('what several tasks have read adds up by table', () => {
  const sofar = readSoFar([
    { tables: { lines: { rows: 10, bytes: 100 } } },
    { tables: { lines: { rows: 5, bytes: 50 }, orders: { rows: 1, bytes: 9 } } },
  ]);
  expect(sofar.get('lines')).toEqual({ rows: 15, bytes: 150 });
  expect(sum(sofar, 'rows')).toBe(16);
});

test('figures as people read them', () => {
  expect([bytes(0), bytes(1536), bytes(3_400_000)]).toEqual(['0 B', '1.5 KiB', '3.2 MiB']);
  expect([duration(400), duration(12_300), duration(60_000), duration(185_000), duration(3_600_000)]).toEqual(
    ['0.4 s', '12 s', '1 min', '3 min 5 s', '1 h'],
  );
  expect([counted(1, 'row'), counted(1234, 'row')]).toEqual(['1 row', '1,234 rows']);
  const now = Date.parse('2026-11-01T12:00:00Z');
  expect(ago('2026-11-01T11:55:00Z', now)).toBe('5 minutes ago');
  expect(ago('2026-11-01T11:59:58Z', now)).toBe('just now');
});
