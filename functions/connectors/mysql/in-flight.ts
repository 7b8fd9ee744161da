/**
 * What others are writing while a snapshot is opened, and from when on nothing is settled. Read *before* the snapshot.
 *
 * MySQL's NOW() is the start of the statement, so a row that is not committed yet carries a moment after its
 * transaction's start, or the start of a statement that is running: one may wait for a lock before it counts as a
 * transaction. What has written nothing yet can only write later moments. One thing is not seen: a transaction that is open
 * and whose first statement had to wait for an ALTER TABLE to end, before it counted as one.
 *
 * Numbers (AUTO_INCREMENT) have no moment. First the next number of every table is read, then who is writing; when those
 * have ended, all numbers below are committed or never will be. Mostly that is at once.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import type { UpperBound } from '../connector.ts';
import { ServerError } from './packets.ts';
import type { AnswerRow, Wire } from './wire.ts';

/** Where others' transactions are not seen, so much of the newest is left for the next run. */
export const LOOKBACK_SECONDS = 600;
/** How long writers are waited for. */
const GRACE_MS = 3000;
/** InnoDB answers what it knew before to who asks within a tenth of a second after anybody has. */
const POLL_MS = 150;
/** Questions for a fresh answer, where others ask all the time. */
const MAX_QUESTIONS = 12;
/** A transaction of no connection for longer than this is no work of the server's own. */
const ORPHAN_SECONDS = 5;
/** "Access denied; you need (at least one of) the PROCESS privilege(s)". */
const NO_PRIVILEGE = '1227';

/** Commands of connections that wait or serve replicas: they write nothing. */
const IDLE_COMMANDS = /^(Sleep|Daemon|Binlog Dump|Slave_|Killed)/i;
/** Who else only waits: a replica's own threads, and who has not signed in. An event that runs is shown as `Connect` too. */
const CONNECTING = /^(system user|unauthenticated user)$/;

/** What was true just before the snapshot. */
export interface Settled {
  /** All moments before this one are settled: UTC, to the second, `YYYY-MM-DD hh:mm:ss.000000`. */
  readonly before: string;
  readonly guarantee: UpperBound['guarantee'];
  readonly note: string | null;
  /** Where moments without a zone are taken to be; a value of `time_zone`. */
  readonly zone: string;
  /** Whether that zone is UTC the year round. */
  readonly utc: boolean;
  /** The next number of each table's AUTO_INCREMENT before writers were looked at. */
  readonly nextNumbers: ReadonlyMap<string, bigint>;
  /** `settled`: numbers below the next are; `held`: somebody is writing; `unknown`: nobody may tell. */
  readonly numbers: 'settled' | 'held' | 'unknown';
}

/** Reads the facts; to be called before the snapshot is taken. */
export async function readSettled(wire: Wire, signal: AbortSignal): Promise<Settled> {
  const server = await readVariables(wire);
  const nextNumbers = await readNextNumbers(wire);
  const first = await readWriters(wire, signal);
  const zone = server.get('time_zone') ?? 'SYSTEM';
  const place = zone === 'SYSTEM' ? (server.get('system_time_zone') ?? '') : zone;
  const facts = { zone, utc: /^(UTC|Etc\/UTC|\+00:00)$/i.test(place), nextNumbers };
  const why = first === null ? NO_RIGHT : (otherWriters(server) ?? troubleIn(first));
  if (first === null || why !== null)
    return {
      ...facts,
      before: await momentBefore(wire, LOOKBACK_SECONDS),
      guarantee: 'lookback',
      note: `${why}: the newest ${LOOKBACK_SECONDS / 60} minutes are left for the next run, and changes that take longer than that could be missed.`,
      numbers: 'unknown',
    };
  const left = await waitFor(wire, first.writers, signal);
  const recent = left.some(({ seconds }) => seconds < LOOKBACK_SECONDS);
  return {
    ...facts,
    before: first.before,
    guarantee: 'exact',
    note: null,
    numbers: left.length === 0 ? 'settled' : recent ? 'held' : 'unknown',
  };
}

const NO_RIGHT = 'The transactions of others are not to be seen by this user (grant PROCESS)';
const REPLICA = 'The server is a replica, where changes arrive later than their moment';

function troubleIn({ orphaned, replicates }: Writers): string | null {
  if (replicates) return REPLICA;
  return orphaned ? 'There are prepared transactions, whose start is not known' : null;
}

async function readVariables(wire: Wire): Promise<ReadonlyMap<string, string>> {
  const rows = await wire.ask(
    "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('time_zone', 'system_time_zone', 'read_only', 'auto_increment_increment', 'wsrep_on')",
  );
  return new Map(rows.map((row) => [row['Variable_name'] ?? '', row['Value'] ?? '']));
}

/** Why others than this server's own connections may write, whom it does not show; null where they do not. */
function otherWriters(server: ReadonlyMap<string, string>): string | null {
  // Newer MariaDBs have more words for it than ON and OFF.
  if (!/^(OFF|0)?$/i.test(server.get('read_only') ?? ''))
    return 'The server is read-only, so probably a replica, where changes arrive later than their moment';
  if (
    /^(ON|1)$/i.test(server.get('wsrep_on') ?? '') ||
    Number(server.get('auto_increment_increment') ?? 1) > 1
  )
    return 'The server is one of several that are written to';
  return null;
}

async function readNextNumbers(wire: Wire): Promise<ReadonlyMap<string, bigint>> {
  const rows = await wire.ask(
    'SELECT TABLE_NAME AS name, `AUTO_INCREMENT` AS next FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND `AUTO_INCREMENT` IS NOT NULL',
  );
  return new Map(rows.map(({ name, next }) => [name ?? '', BigInt(next ?? 0)]));
}

/** Somebody who is writing, or running a statement that may. */
export interface Writer {
  /** `t` and the transaction, or `c` and the connection. */
  readonly id: string;
  readonly thread: string;
  /** How long for. */
  readonly seconds: number;
}

interface Writers {
  readonly before: string;
  readonly writers: readonly Writer[];
  /** There is an old transaction that belongs to no connection (XA PREPARE). */
  readonly orphaned: boolean;
  /** It writes what another server sends. */
  readonly replicates: boolean;
}

const TransactionRow = z.object({
  id: z.string(),
  thread: z.string(),
  read_only: z.string(),
  changed: z.coerce.number(),
  statement: z.string(),
  seconds: z.coerce.number(),
});

/**
 * `trx_started` is in the zone of the server's machine. In the hour that autumn repeats it has two meanings: the earlier
 * one counts.
 */
const UTC_START = "CONVERT_TZ(trx_started, 'SYSTEM', '+00:00')";
const TRANSACTIONS = `SELECT trx_id AS id, trx_mysql_thread_id AS thread, trx_is_read_only AS read_only,
    trx_rows_modified AS changed, COALESCE(trx_query, '') AS statement, TIMESTAMPDIFF(SECOND, IF(
      CONVERT_TZ(${UTC_START} - INTERVAL 1 HOUR, '+00:00', 'SYSTEM') = trx_started,
      ${UTC_START} - INTERVAL 1 HOUR, ${UTC_START}), NOW(6)) AS seconds
  FROM information_schema.INNODB_TRX`;

/** All transactions as they are now; null where the user may not see them, or no answer is fresh. */
async function readTransactions(
  wire: Wire,
  self: string,
  signal: AbortSignal,
): Promise<readonly z.infer<typeof TransactionRow>[] | null> {
  for (let question = 1; question <= MAX_QUESTIONS; question++) {
    // An answer is fresh when it knows of the question: of this transaction, and what it is asking.
    const mark = `/* ${question} of ${Math.round(performance.now() * 1000)} */`;
    await wire.ask('START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY');
    try {
      const sql = TRANSACTIONS.replace('SELECT', `SELECT ${mark}`);
      const rows = z.array(TransactionRow).parse(await wire.ask(sql));
      if (rows.some(({ thread, statement }) => thread === self && statement.includes(mark)))
        return rows.filter(({ thread }) => thread !== self);
    } catch (error) {
      if (error instanceof ServerError && error.code === NO_PRIVILEGE) return null;
      throw error;
    } finally {
      await wire.ask('ROLLBACK').catch(() => undefined);
    }
    await rest(signal);
  }
  return null;
}

async function rest(signal: AbortSignal): Promise<void> {
  await wait(POLL_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
}

/** Who is writing now; null where that cannot be seen. */
async function readWriters(wire: Wire, signal: AbortSignal): Promise<Writers | null> {
  // A second before the moment: what is stored may be cut to whole seconds.
  const before = await momentBefore(wire, 1);
  const [own] = await wire.ask('SELECT CONNECTION_ID() AS id');
  const self = own?.['id'] ?? '';
  // Statements first: one that ends between the two questions is seen as the transaction that it leaves open.
  const processes = await wire.ask('SHOW PROCESSLIST');
  const transactions = await readTransactions(wire, self, signal);
  if (transactions === null) return null;
  const readers = new Set(
    transactions.filter(({ read_only }) => read_only === '1').map(({ thread }) => thread),
  );
  const open = transactions.filter(({ read_only }) => read_only !== '1');
  const running = processes
    .filter((row) => !isIdle(row))
    .map((row) => ({ thread: row['Id'] ?? '', seconds: Number(row['Time'] ?? 0) }))
    .filter(({ thread }) => thread !== self && !readers.has(thread));
  const writers = [
    ...open
      .filter(({ changed }) => changed > 0)
      .map(({ id, thread, seconds }) => ({ id: `t${id}`, thread, seconds })),
    ...running.map(({ thread, seconds }) => ({ id: `c${thread}`, thread, seconds })),
  ];
  const longest = Math.max(-1, ...writers.map(({ seconds }) => seconds));
  return {
    // From the clock as it was first; a second more, and the one before: the figures are whole seconds, cut off.
    before: longest < 0 ? before : await momentBefore(wire, longest + 1, `TIMESTAMP'${before}'`),
    writers,
    replicates: processes.some(
      (row) => row['User'] === 'system user' && !/^(Daemon|Sleep)/.test(row['Command'] ?? 'Sleep'),
    ),
    orphaned: open.some(({ thread, seconds }) => thread === '0' && seconds > ORPHAN_SECONDS),
  };
}

function isIdle(row: AnswerRow): boolean {
  const command = row['Command'] ?? 'Sleep';
  return IDLE_COMMANDS.test(command) || (command === 'Connect' && CONNECTING.test(row['User'] ?? ''));
}

/** So many seconds before `from`, at least: whole seconds, as moments may be stored in. */
async function momentBefore(wire: Wire, seconds: number, from = 'NOW(6)'): Promise<string> {
  const [row] = await wire.ask(
    `SELECT DATE_FORMAT(${from} - INTERVAL ${seconds} SECOND, '%Y-%m-%d %H:%i:%s.000000') AS moment`,
  );
  return z.object({ moment: z.string() }).parse(row).moment;
}

/** Those of `writers` who are still at it when all have ended or their time is over. */
async function waitFor(
  wire: Wire,
  writers: readonly Writer[],
  signal: AbortSignal,
): Promise<readonly Writer[]> {
  let left = writers;
  for (let waited = 0; left.length > 0 && waited < GRACE_MS; waited += POLL_MS) {
    await rest(signal);
    const now = (await readWriters(wire, signal))?.writers ?? left;
    left = stillThere(left, now);
  }
  return left;
}

/**
 * Those of `now` that go on with what one of `before` was doing. A connection that runs another statement has ended the one
 * that was waited for, but what that wrote may be in a transaction that is still open.
 */
export function stillThere(before: readonly Writer[], now: readonly Writer[]): readonly Writer[] {
  const same = now.filter(({ id, seconds }) => before.some((one) => one.id === id && one.seconds <= seconds));
  const ended = before.filter(({ id }) => id.startsWith('c') && !same.some((one) => one.id === id));
  const followed = now.filter(
    (one) =>
      one.id.startsWith('t') && !same.includes(one) && ended.some(({ thread }) => thread === one.thread),
  );
  return [...same, ...followed];
}
