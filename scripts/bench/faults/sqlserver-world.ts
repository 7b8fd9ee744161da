/* A world in the tests' SQL Server: tables in memory, rowversions as a real one gives them out, and late commits. */
import { startTestSqlServer } from '#tests/sqlserver';
import { type Changes, History, type Item } from './history.ts';
import { openRoughWay } from './tcp-faults.ts';
import {
  FIRST_ROWS,
  holdMs,
  makeChanges,
  makeItem,
  rest,
  type Told,
  type World,
  type WorldOptions,
  WRITERS,
} from './world.ts';

const COLUMNS = [
  { name: 'id', type: 'int', nullable: false },
  { name: 'name', type: 'nvarchar', length: 300 },
  { name: 'qty', type: 'int' },
  { name: 'price', type: 'decimal', precision: 12, scale: 2 },
  { name: 'note', type: 'nvarchar', length: 200 },
  { name: 'rev', type: 'bigint' },
  { name: 'changed', type: 'timestamp', length: 8, nullable: false },
];

export async function openSqlServerWorld(options: WorldOptions): Promise<World> {
  const { dice, told, twins } = options;
  const server = await startTestSqlServer();
  const history = new History();
  let version = 0n;
  let number = Math.ceil(FIRST_ROWS / WRITERS) + 1;
  /** Rowversions that were given out to transactions which are still open. */
  const open = new Set<bigint>();
  const settle = () => {
    const lowest = [...open].reduce((least, one) => (one < least ? one : least), version + 1n);
    server.database.activeRowversion = lowest;
  };
  const give = (): bigint => {
    version += 1n;
    open.add(version);
    settle();
    return version;
  };
  const rowOf = (item: Item, changed: bigint): readonly unknown[] => [
    item.id,
    item.name,
    item.qty,
    item.price,
    item.note,
    item.rev,
    Buffer.from(changed.toString(16).padStart(16, '0'), 'hex'),
  ];
  const add = (name: string) =>
    server.database.add({ schema: 'dbo', name, columns: COLUMNS, key: ['id'], bytes: 120 * 1024 });
  const table = add('items');
  const tables = [table, ...(twins ? [add('twins')] : [])];

  /** One transaction: rows are numbered as they are written, and seen when it ends. */
  const apply = async (changes: Changes, signal: AbortSignal, hold: number, ends: boolean): Promise<void> => {
    const numbered = new Map<number, readonly unknown[] | null>();
    const given: bigint[] = [];
    for (const [id, item] of changes) {
      if (item === null) numbered.set(id, null);
      else {
        const changed = give();
        given.push(changed);
        numbered.set(id, rowOf(item, changed));
      }
      if (hold > 0) await rest(dice.whole(0, 20), signal);
    }
    await rest(hold, signal);
    const end = async () => {
      if (ends) {
        const added = [...numbered].flatMap(([id, row]) =>
          row !== null && !history.now.has(id) ? [row] : [],
        );
        for (const one of tables)
          server.database.change(
            one,
            (row) => {
              const after = numbered.get(Number(row[0]));
              return after === undefined ? row : after;
            },
            added,
          );
      }
      for (const one of given) open.delete(one);
      settle();
    };
    if (ends) await history.commit(changes, end);
    else await end();
  };

  const first = Array.from({ length: FIRST_ROWS }, (_, n) => makeItem(n, dice));
  const never = new AbortController().signal;
  await apply(new Map(first.map((item) => [item.id, item])), never, 0, true);
  const way = await openRoughWay(server.port, dice, told);
  const { settings, credentials } = server.access({ sslMode: 'disable', port: way.port });

  return {
    settings,
    credentials,
    history,
    cursor: 'changed',
    keyed: true,
    pinned: true,
    settlesMs: 0,
    beginning: null,
    unitBytes: 32 * 1024,
    way,
    cursorSql: 'CAST(changed AS STRING)',
    async write(signal) {
      const lane = async (writer: number): Promise<void> => {
        while (!signal.aborted) {
          const changes = makeChanges(history, options, writer, () => number++);
          await apply(changes, signal, holdMs(dice), !dice.chance(0.1));
          await rest(dice.whole(20, 250), signal);
        }
      };
      await Promise.all(Array.from({ length: WRITERS }, (_, writer) => lane(writer)));
    },
    lock: () => Promise.resolve(),
    truth: () =>
      Promise.resolve(
        table.rows.flatMap(({ to, values }) => (to === Infinity ? [toldOf(values, history)] : [])),
      ),
    async close() {
      await way.close();
      await server.stop();
    },
  };
}

function toldOf(values: readonly unknown[], history: History): Told {
  const [id, , , , , rev, changed] = values;
  const item = history.now.get(Number(id));
  if (item === undefined || item.rev !== rev || !(changed instanceof Uint8Array))
    throw new Error(`a row that was never committed: ${String(id)}`);
  return { item, moment: String(Buffer.from(changed).readBigUInt64BE()) };
}
