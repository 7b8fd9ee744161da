import { mysql } from '#connectors/mysql/mysql';
import type { SourceSession } from '#connectors/connector';
import { extractAll, makeTestContext } from '#tests/connectors';
import { eventually } from '#tests/eventually';
import { startTestMariadb, type TestMariadb } from '#tests/mariadb';
import { readWithDuckDb } from '#tests/parquet';

let server: TestMariadb;
const open: SourceSession[] = [];
const clients: { destroy(): void }[] = [];

beforeAll(async () => {
  // A server that replicates itself, an hour later: a copy that is behind needs no second one.
  server = await startTestMariadb(['--log-bin', '--server-id=7', '--replicate-same-server-id']);
  await server.sql(
    "CREATE USER reader@'%' IDENTIFIED BY 'owner secret'; GRANT SELECT ON shop.* TO reader@'%'",
  );
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await Promise.all(open.splice(0).map((session) => session.close()));
});
afterAll(async () => server?.stop());

async function connect(user = 'owner'): Promise<SourceSession> {
  const session = await mysql.connect(
    {
      settings: { kind: 'mysql', host: '127.0.0.1', port: server.port, database: 'shop', user, sslMode: 'prefer' },
      credentials: { password: 'owner secret' },
    },
    makeTestContext(),
    new AbortController().signal,
  ); // prettier-ignore
  open.push(session);
  return session;
}

async function read(cursor: string, after: string | null, user?: string) {
  const session = await connect(user);
  await session.openSnapshot();
  const bound = await session.safeUpperBound('events', cursor, after);
  if (bound.value === null) return { bound, ids: [] };
  const { columns } = await session.describe('events');
  const range = { column: cursor, after, upTo: bound.value };
  const units = await session.planUnits('events', { targetBytes: 1e9, range });
  const { files } = await extractAll(session, units, columns);
  const rows = await Promise.all(files.map((file) => readWithDuckDb(file, 'SELECT id FROM $file')));
  await session.close();
  return { bound, ids: rows.flat().map(({ id }) => Number(id)).sort((a, b) => a - b) }; // prettier-ignore
}

/** Rows so old that no figure of whole seconds is about them; the next row is written now. */
async function begin(): Promise<void> {
  await server.sql(`DROP TABLE IF EXISTS events;
    CREATE TABLE events (id bigint unsigned PRIMARY KEY AUTO_INCREMENT, at timestamp(6) NOT NULL DEFAULT now(6),
      made datetime NOT NULL DEFAULT now(), who varchar(20));
    INSERT INTO events (at, made, who) VALUES (now() - INTERVAL 1 HOUR, now() - INTERVAL 1 HOUR, 'early')`);
}

test.each(['at', 'made', 'id'])('by %s misses and doubles no row of a transaction that commits late', async (cursor) => {
  await begin();
  const late = await server.client();
  clients.push(late);
  await late.query('START TRANSACTION');
  await late.query("INSERT INTO events (who) VALUES ('late')");
  await server.sql("INSERT INTO events (who) VALUES ('quick')");

  const first = await read(cursor, null);
  // `quick` waits, because `late` may still come before it; of numbers nobody can tell which are late's.
  expect(first.ids).toEqual(cursor === 'id' ? [] : [1]);
  await late.query('COMMIT');
  await late.end();
  const second = await read(cursor, first.bound.value);
  if (cursor === 'id') {
    expect(first.bound).toMatchObject({ value: null, guarantee: 'lookback', note: expect.any(String) });
    expect(second).toMatchObject({ ids: [1, 2, 3], bound: { value: '3', guarantee: 'exact', note: null } });
    expect((await read(cursor, second.bound.value)).ids).toEqual([]);
    return;
  }
  expect(first.bound).toMatchObject({ guarantee: 'exact', note: null });
  // What was written within this second waits as well: another row may get the same moment.
  expect(second.ids.every((id) => id > 1)).toBe(true);
}); // prettier-ignore

test('a moment is read once it is over', async () => {
  await begin();
  const first = await read('at', null);
  expect(first.ids).toEqual([1]);
  await server.sql("INSERT INTO events (at, who) VALUES (now() - INTERVAL 1 MINUTE, 'next')");
  const second = await read('at', first.bound.value);
  expect(second).toMatchObject({ ids: [2], bound: { guarantee: 'exact' } });
  expect((await read('at', second.bound.value)).ids).toEqual([]);
});

test('a transaction that has written nothing holds nothing back', async () => {
  await begin();
  const idle = await server.client();
  clients.push(idle);
  await idle.query('START TRANSACTION');
  await idle.query('SELECT * FROM events');
  expect(await read('id', null)).toMatchObject({ ids: [1], bound: { value: '1', guarantee: 'exact' } });
  await idle.end();
});

/** How often anybody has looked at who is connected. */
async function looks(): Promise<number> {
  const [row] = await server.sql("SHOW GLOBAL STATUS LIKE 'Com_show_processlist'");
  return Number(row?.['Value']);
}

test('a statement that waits for a lock is followed into the transaction that it leaves open', async () => {
  await begin();
  const holder = await server.client();
  const late = await server.client();
  clients.push(holder, late);
  await holder.query('START TRANSACTION');
  await holder.query('SELECT * FROM events WHERE id > 1 FOR UPDATE');
  await late.query('START TRANSACTION');
  // It takes number 2, and waits before it has written anything.
  const inserted = late.query("INSERT INTO events (who) VALUES ('late')");
  const nextNumber =
    "SELECT 1 FROM information_schema.TABLES WHERE TABLE_NAME = 'events' AND `AUTO_INCREMENT` = 3";
  await eventually('its number', async () => (await server.sql(nextNumber)).length > 0);
  await holder.query("INSERT INTO events (who) VALUES ('quick')");

  const before = await looks();
  const reading = read('id', null);
  // Both have been seen: one as a transaction, one as a statement only.
  await eventually('two looks', async () => (await looks()) >= before + 2);
  await holder.query('COMMIT');
  await inserted;
  expect(await reading).toMatchObject({ ids: [], bound: { value: null, guarantee: 'lookback' } });
  await late.query('COMMIT');
  expect(await read('id', null)).toMatchObject({ ids: [1, 2, 3], bound: { value: '3', guarantee: 'exact' } });
});

test('an event that runs is somebody who writes', async () => {
  await begin();
  await server.sql(`SET GLOBAL event_scheduler = ON;
    CREATE EVENT slow ON SCHEDULE AT NOW() DO INSERT INTO events (at, who) SELECT now(6), SLEEP(60)`);
  const find = "SELECT ID AS id, COMMAND AS command FROM information_schema.PROCESSLIST WHERE INFO LIKE '%SLEEP(60)%' AND ID <> CONNECTION_ID()";
  const [worker] = await eventually('the event', async () => {
    const found = await server.sql(find);
    return found.length > 0 && found;
  });
  try {
    expect(worker).toMatchObject({ command: 'Connect' });
    expect(await read('id', null)).toMatchObject({ ids: [], bound: { value: null, guarantee: 'lookback' } });
  } finally {
    await server.sql(`SET GLOBAL event_scheduler = OFF; KILL ${String(worker?.['id'])}`);
  }
  await eventually('its end', async () => (await server.sql(find)).length === 0);
}); // prettier-ignore

test('a user who may not see the transactions of others leaves the newest minutes, and is told', async () => {
  await begin();
  await server.sql("INSERT INTO events (at, who) VALUES (now() - INTERVAL 1 MINUTE, 'recent')");
  const { ids, bound } = await read('at', null, 'reader');
  expect(ids).toEqual([1]);
  expect(bound).toMatchObject({ guarantee: 'lookback', note: expect.stringContaining('PROCESS') });
  expect((await read('id', null, 'reader')).bound).toMatchObject({
    value: '2',
    guarantee: 'lookback',
    note: expect.any(String),
  });
});

test('a replica, and one of several servers, promise nothing exact', async () => {
  await begin();
  await server.sql('SET GLOBAL read_only = ON');
  expect((await read('at', null)).bound).toMatchObject({
    guarantee: 'lookback',
    note: expect.stringContaining('replica'),
  });
  await server.sql('SET GLOBAL read_only = OFF; SET GLOBAL auto_increment_increment = 2');
  expect((await read('id', null)).bound).toMatchObject({ guarantee: 'lookback' });
  await server.sql('SET GLOBAL auto_increment_increment = 1');
});

test('moments without a zone are told to be the database’s own', async () => {
  await begin();
  await server.sql("SET GLOBAL time_zone = '+05:00'");
  const { ids, bound } = await read('made', null);
  await server.sql("SET GLOBAL time_zone = 'SYSTEM'");
  expect(ids).toEqual([1]);
  expect(bound).toMatchObject({ guarantee: 'lookback', note: expect.stringContaining('time zone') });
});

test('does not follow a column with nulls or zero dates, of another type, or that is not there', async () => {
  await server.sql(`DROP TABLE IF EXISTS events; SET SESSION sql_mode = '';
    CREATE TABLE events (id int, at datetime, zero datetime, who text);
    INSERT INTO events VALUES (1, NULL, '0000-00-00 00:00:00', 'x')`);
  await expect(read('at', null)).rejects.toMatchObject({ code: 'cursor-null' });
  await expect(read('zero', null)).rejects.toMatchObject({ code: 'cursor-null' });
  await expect(read('who', null)).rejects.toMatchObject({ code: 'cursor-type' });
  await expect(read('nope', null)).rejects.toMatchObject({ code: 'cursor-unknown' });
  await expect(read('id', "1'; SELECT 1")).rejects.toMatchObject({ code: 'cursor-value' });
});

test('a copy that is behind says by how much, in the middle of a snapshot; where nobody may ask, or it is none, nothing is known', async () => {
  const session = await connect();
  expect(await session.replicaLag?.()).toBeNull();
  await server.sql(`CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=${server.port}, MASTER_USER='owner',
    MASTER_PASSWORD='owner secret', MASTER_SSL=0, MASTER_USE_GTID=no, MASTER_DELAY=3600`);
  await server.sql('START SLAVE');
  await server.sql('CREATE TABLE late (id int); INSERT INTO late VALUES (1)');
  await session.openSnapshot();
  await eventually('it is behind', async () => Number(await session.replicaLag?.()) >= 1);
  const { columns } = await session.describe('late');
  const units = await session.planUnits('late', { targetBytes: 1e9 });
  expect((await extractAll(session, units, columns)).tally.rows).toBe(1);
  const reader = await connect('reader');
  expect(await reader.replicaLag?.()).toBeNull();
  await server.sql('STOP SLAVE');
  expect(await session.replicaLag?.()).toBeNull();
});
