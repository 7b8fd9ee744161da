/** Servers that are none, break off, or ask for what they must not have: over a real socket, from the sign-in on. */
import { generateKeyPairSync, privateDecrypt } from 'node:crypto';
import { makeTableWriter } from '#columnar/table-writer';
import { toFailure } from '#core/errors';
import { mysql } from '#connectors/mysql/mysql';
import { openWire, type MysqlSettings } from '#connectors/mysql/connection';
import { makeTestContext } from '#tests/connectors';
import { eventually } from '#tests/eventually';
import { CHALLENGE, failure, greeting, OK, packet, resultOf, type Script, type ScriptedMysql, startScriptedMysql } from '#tests/mysql-packets'; // prettier-ignore
import { makeMemorySink } from '#tests/parquet';

const servers: ScriptedMysql[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

async function settingsFor(script: Script, changes: Partial<MysqlSettings> = {}): Promise<MysqlSettings> {
  const server = await startScriptedMysql(script);
  servers.push(server);
  return {
    kind: 'mysql',
    host: '127.0.0.1',
    port: server.port,
    database: 'd',
    user: 'u',
    sslMode: 'disable',
    ...changes,
  };
}

function open(settings: MysqlSettings, signal = AbortSignal.timeout(8000)) {
  const pinned = { host: '127.0.0.1', address: '127.0.0.1', family: 4 as const, port: settings.port };
  return openWire(settings, { password: 'the secret' }, pinned, signal);
}

/** What `mysql2` alone would not survive, or would wait for. */
const beginnings: readonly [what: string, script: Script][] = [
  ['a web server’s answer', { first: Buffer.from('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n') }],
  ['another protocol’s greeting', { first: Buffer.from('SSH-2.0-OpenSSH_9.2p1\r\n') }],
  ['an empty packet', { first: packet(0, '') }],
  ['a greeting that is cut off', { first: packet(0, Buffer.from([10, 0x38])) }],
  ['a greeting of the old protocol', { first: packet(0, Buffer.from('\u00093.23\0', 'latin1')) }],
  ['a greeting that claims to be huge', { first: packet(0, 'x', 0xfffffe) }],
  ['an endless sign-in', { signIn: Buffer.alloc(200_000, 1) }],
  ['an unknown way to sign in', { signIn: packet(2, Buffer.from('\u00feno_such_way\0abcdefghijklmnopqrst\0', 'latin1')) }],
  ['an old way to sign in', { signIn: packet(2, Buffer.from([0xfe])) }],
  ['an error without a number', { signIn: packet(2, Buffer.from([0xff])) }],
  ['a request for a file instead of a sign-in', { signIn: packet(2, Buffer.from('\u00fb/etc/passwd', 'latin1')) }],
]; // prettier-ignore

test.each(beginnings)('%s ends the connection, not the process', async (_, script) => {
  const error: unknown = await open(await settingsFor(script)).then(
    () => 'opened',
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ code: expect.stringMatching(/^(connection-lost|source-|sign-in)/) });
  expect(JSON.stringify(error)).not.toContain('the secret');
});

/** Everything a server that was given `script` heard, and the code of how the sign-in ended. */
async function signIn(script: Script, sslMode: MysqlSettings['sslMode']) {
  const settings = await settingsFor(script, { sslMode });
  const ended = await open(settings).then(
    async (wire) => {
      await wire.close();
      return 'opened';
    },
    (error: unknown) => toFailure(error).code,
  );
  return { ended, heard: Buffer.concat(servers.at(-1)!.heard) };
}

const SWITCH = packet(
  2,
  Buffer.concat([Buffer.from('\u00fecaching_sha2_password\0', 'latin1'), CHALLENGE, Buffer.alloc(1)]),
);
/** caching_sha2_password: the server does not know the password any more and wants it whole. */
const WHOLE = Buffer.from([1, 4]);

test.each(['require', 'prefer', 'verify-full'] as const)(
  'with TLS as %s nothing that came in plain is answered',
  async (mode) => {
    for (const first of [
      Buffer.concat([greeting(true), SWITCH, packet(4, WHOLE)]),
      Buffer.concat([greeting(true, 'caching_sha2_password'), packet(2, WHOLE)]),
      Buffer.concat([greeting(true), Buffer.from([0])]),
    ]) {
      const { ended, heard } = await signIn({ first, signIn: [] }, mode);
      expect({ ended, heard: heard.length }).toEqual({ ended: 'source-protocol', heard: 0 });
    }
    // After the client has asked for TLS: it hears a handshake, or nothing.
    const later = Buffer.concat([SWITCH, packet(4, WHOLE)]);
    const { ended, heard } = await signIn({ first: greeting(true), signIn: later }, mode);
    expect(ended).toMatch(/^(tls-unverified|connection-lost)$/);
    expect(heard.toString('latin1')).not.toContain('secret');
  },
);

test('a greeting may come in pieces', async () => {
  const pieces = await startScriptedMysql({ first: greeting(true).subarray(0, 3), signIn: Buffer.alloc(0) });
  servers.push(pieces);
  const opening = open({
    kind: 'mysql',
    host: '127.0.0.1',
    port: pieces.port,
    database: 'd',
    user: 'u',
    sslMode: 'require',
  });
  const client = await eventually('a client', () => pieces.sockets.values().next().value);
  client.write(greeting(true).subarray(3));
  await eventually(
    'a request for TLS',
    () => pieces.capabilities.length > 0 && pieces.capabilities[0]! & 0x800,
  );
  client.destroy();
  await expect(opening).rejects.toMatchObject({ name: 'TransientError', code: 'connection-lost' });
});

test.each(['disable', 'prefer'] as const)(
  'without TLS (%s) no password is sent in the clear, whatever a server asks for',
  async (mode) => {
    const clear = packet(2, Buffer.from('\u00femysql_clear_password\0', 'latin1'));
    const scripts: readonly [script: Script, ended: RegExp][] = [
      [{ signIn: clear }, /^sign-in-method$/],
      [{ first: greeting(false, 'mysql_clear_password'), signIn: clear }, /^sign-in-method$/],
      [
        {
          signIn: [
            packet(2, Buffer.concat([Buffer.from('\u00fesha256_password\0', 'latin1'), CHALLENGE])),
            packet(4, '\u0001no key'),
          ],
        },
        /./,
      ],
      [{ signIn: [Buffer.concat([SWITCH, packet(3, WHOLE)]), packet(6, '\u0001no key')] }, /./],
    ];
    for (const [script, expected] of scripts) {
      const { ended, heard } = await signIn(script, mode);
      expect(ended).toMatch(expected);
      expect(ended).not.toBe('opened');
      expect(heard.toString('latin1')).not.toContain('secret');
    }
  },
);

test.each(['disable', 'prefer'] as const)(
  'without TLS (%s) the whole password goes by the server’s public key',
  async (mode) => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const key = Buffer.from(`\u0001${publicKey.export({ type: 'spki', format: 'pem' }).toString()}`);
    const steps = [packet(2, WHOLE), packet(4, key), packet(6, OK)];
    const { ended, heard } = await signIn(
      { first: greeting(false, 'caching_sha2_password'), signIn: steps },
      mode,
    );
    expect(ended).toBe('opened');
    expect(heard.toString('latin1')).not.toContain('secret');
    // The packet after the question for the key (one byte, number 3).
    const asks = heard.indexOf(Buffer.from([1, 0, 0, 3, 2, 0, 1, 0, 5]));
    const mixed = privateDecrypt(
      { key: privateKey, oaepHash: 'sha1' },
      heard.subarray(asks + 9, asks + 9 + 256),
    );
    expect(mixed.map((byte, at) => byte ^ CHALLENGE[at % 20]!).toString()).toBe('the secret\0');
  },
);

test.each([
  ['too many connections', 1040, 'too-many-connections'],
  ['a blocked host', 1129, 'host-blocked'],
  ['a host that is not let in', 1130, 'sign-in-refused'],
  ['TLS asked for', 3159, 'tls-required'],
])('a server that greets with an error: %s', async (_, number, code) => {
  const bytes = Buffer.from([0xff, number & 255, number >> 8, ...Buffer.from('no')]);
  await expect(open(await settingsFor({ first: packet(0, bytes) }))).rejects.toMatchObject({ code });
  const signIn = packet(2, failure(number, 'no'));
  await expect(open(await settingsFor({ signIn }))).rejects.toMatchObject({ code });
});

test('files of this machine are refused, whenever they are asked for', async () => {
  const request = packet(1, Buffer.from('\u00fb/etc/passwd', 'latin1'));
  const sent: Buffer[] = [];
  const answer: Script['answer'] = (sql, socket) => {
    if (!sql.includes('evil')) return undefined;
    socket.on('data', (bytes: Buffer) => sent.push(bytes));
    return request;
  };
  const wire = await open(await settingsFor({ answer }));
  await expect(wire.ask('SELECT evil')).rejects.toMatchObject({
    code: 'source-protocol',
    message: expect.stringContaining('a file of this machine'),
  });
  await wire.close();
  expect(sent).toEqual([]);
  // In the very first statement of a session, too.
  await expect(open(await settingsFor({ answer: () => request }))).rejects.toMatchObject({
    code: 'source-protocol',
  });
});

/** Answers what the catalogue is asked, so that a table `t` of one number can be read. */
const catalogue: NonNullable<Script['answer']> = (sql) => {
  if (/FROM information_schema.TABLES[^]*TABLE_NAME = /.test(sql))
    return resultOf(['name', 'kind', 'engine', 'row_count', 'bytes', 'comment'], [['t', 'BASE TABLE', 'InnoDB', '1', '1', '']]);
  if (/FROM information_schema.TABLES/.test(sql)) return resultOf(['name', 'next'], []);
  if (/information_schema.COLUMNS/.test(sql))
    return resultOf(
      ['table_name', 'name', 'data_type', 'column_type', 'number_precision', 'number_scale', 'nullable', 'extra', 'readable'],
      [['t', 'id', 'int', 'int', '10', '0', 'NO', '', '1']],
    );
  if (/INNODB_TRX/.test(sql))
    return resultOf(['id', 'thread', 'read_only', 'changed', 'statement', 'seconds'], [['1', '1', '1', '0', sql, '0']]);
  if (/STATISTICS/.test(sql)) return resultOf(['table_name'], []);
  if (/VARIABLES/.test(sql)) return resultOf(['Variable_name', 'Value'], [['time_zone', '+00:00']]);
  if (/PROCESSLIST/.test(sql)) return resultOf(['Id', 'User', 'Command', 'Time'], []);
  if (/AS moment/.test(sql)) return resultOf(['moment'], [['2026-01-01 00:00:00.000000']]);
  if (/AS token/.test(sql)) return resultOf(['token'], [['1@now']]);
  if (/CONNECTION_ID\(\) AS id/.test(sql)) return resultOf(['id'], [['1']]);
  return undefined;
}; // prettier-ignore

/** A session in a snapshot of the one table, and the reading of its only unit; `answer` goes before the catalogue. */
async function prepare(answer: NonNullable<Script['answer']>) {
  const settings = await settingsFor({
    answer: (sql, socket) => answer(sql, socket) ?? catalogue(sql, socket),
  });
  const signal = AbortSignal.timeout(15_000);
  const session = await mysql.connect({ settings, credentials: null }, makeTestContext(), signal);
  await session.openSnapshot();
  const { columns } = await session.describe('t');
  const [unit] = await session.planUnits('t', { targetBytes: 1e9 });
  const extract = () => {
    const writer = makeTableWriter(columns, makeMemorySink());
    return session.extract({ unit: unit!, columns, writer, reject: () => undefined, signal });
  };
  return { session, extract };
}

async function readFrom(rows: Uint8Array) {
  const { session, extract } = await prepare((sql) => (sql.startsWith('SELECT `id`') ? rows : undefined));
  try {
    return await extract();
  } finally {
    await session.close();
  }
}

test('an honest answer of the same server is read', async () => {
  expect(await readFrom(resultOf(['id'], [['1'], ['2']]))).toMatchObject({ rows: 2, rejected: 0 });
});

test.each([
  ['rows of another width', resultOf(['id', 'more'], [['1', '2']])],
  ['no rows but an OK', packet(1, Buffer.from([0, 0, 0, 2, 0, 0, 0]))],
  ['a field beyond its row', Buffer.concat([resultOf(['id'], []).subarray(0, -9), packet(4, Buffer.from([200, 0x31]))])],
  ['packets in no order', Buffer.concat([resultOf(['id'], []).subarray(0, -9), packet(9, Buffer.from([1, 0x31]))])],
  ['another result', resultOf(['id'], [['1']], false, Buffer.from([0xfe, 0, 0, 0x0a, 0]))],
  ['a file to be sent', packet(1, Buffer.from('\u00fbx', 'latin1'))],
])('%s while a table is read is a failure of the protocol', async (_, rows) => {
  await expect(readFrom(rows)).rejects.toMatchObject({ name: 'TransientError', code: 'source-protocol' });
}); // prettier-ignore

test('a server that gives up in the middle says why', async () => {
  const rows = resultOf(['id'], [['1']], false, failure(1969, 'max_statement_time exceeded'));
  await expect(readFrom(rows)).rejects.toMatchObject({ name: 'TerminalError', code: 'statement-timeout' });
});

test('a table that is locked is told apart from a lost connection; the session goes on', async () => {
  const busy = packet(1, failure(1205, 'Lock wait timeout exceeded; try restarting transaction'));
  const fine = resultOf(['id'], [['1']]);
  const answers = [busy, fine];
  const { extract, session } = await prepare((sql) =>
    sql.startsWith('SELECT `id`') ? answers.shift() : undefined,
  );
  await expect(extract()).rejects.toMatchObject({ name: 'TransientError', code: 'source-busy' });
  expect(await extract()).toMatchObject({ rows: 1 });
  await session.close();
});

test('a row that is too big is its table’s failure; what follows finds a lost connection', async () => {
  const part = Buffer.alloc(0xffffff);
  const { extract, session } = await prepare((sql, socket) => {
    if (!sql.startsWith('SELECT `id`')) return undefined;
    socket.write(resultOf(['id'], []).subarray(0, -9));
    // The same bytes again and again: they are not to fill the memory on this side.
    for (let sequence = 4; sequence < 22; sequence++) {
      socket.write(packet(sequence, '', part.length));
      socket.write(part);
    }
    return Buffer.alloc(0);
  });
  await expect(extract()).rejects.toMatchObject({
    name: 'TerminalError',
    code: 'row-too-big',
    message: 'A row of table t is longer than 256 MiB.',
    remedy: expect.stringContaining('column'),
  });
  await expect(extract()).rejects.toMatchObject({ name: 'TransientError', code: 'connection-lost' });
  await expect(session.describe('t')).rejects.toMatchObject({
    name: 'TransientError',
    code: 'connection-lost',
  });
  await session.close();
});

test('an abort ends a sign-in that hangs, with its reason', async () => {
  const controller = new AbortController();
  const reason = new Error('nobody waits any longer');
  const opening = open(await settingsFor({ signIn: Buffer.alloc(0) }), controller.signal);
  setTimeout(() => controller.abort(reason), 50);
  await expect(opening).rejects.toBe(reason);
});

test('a connection test of what is no MySQL says so', async () => {
  const settings = await settingsFor(
    { first: Buffer.from('220 mail.example.com ESMTP\r\n') },
    { sslMode: 'require' },
  );
  const steps: string[] = [];
  const testing = mysql.test({ settings, credentials: null }, makeTestContext(), AbortSignal.timeout(8000));
  for await (const step of testing) steps.push(`${step.name} ${step.status} ${step.code ?? ''}`.trim());
  expect(steps.slice(0, 3)).toEqual(['resolve passed', 'reach passed', 'tls failed source-protocol']);
});

test('what a client agrees to: no files, no compression, no second statement, no attributes', async () => {
  const server = await startScriptedMysql({});
  servers.push(server);
  const wire = await open({ kind: 'mysql', host: '127.0.0.1', port: server.port, database: 'd', user: 'u', sslMode: 'disable' });
  await wire.close();
  const [LOCAL_FILES, COMPRESS, MULTI_STATEMENTS, QUERY_ATTRIBUTES] = [0x80, 0x20, 0x10000, 0x08000000];
  for (const flag of [LOCAL_FILES, COMPRESS, MULTI_STATEMENTS, QUERY_ATTRIBUTES]) expect(server.capabilities[0]! & flag).toBe(0);
}); // prettier-ignore
