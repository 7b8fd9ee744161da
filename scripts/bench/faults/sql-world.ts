/* Worlds on real servers: PostgreSQL and MariaDB. Writers keep transactions open, commit late, roll back. */
import { History, type Item } from './history.ts';
import { openRoughWay } from './tcp-faults.ts';
import {
  FIRST_ROWS,
  holdMs,
  makeChanges,
  makeItem,
  momentOfMicros,
  rest,
  type World,
  type WorldOptions,
  WRITERS,
} from './world.ts';

/** A connection to a database of the world's own. */
export interface SqlConnection {
  readonly run: (sql: string, values?: readonly unknown[]) => Promise<readonly Record<string, unknown>[]>;
  readonly close: () => Promise<void>;
}

/** What differs between the servers. */
export interface SqlKind {
  readonly settings: (port: number) => World['settings'];
  readonly port: number;
  readonly password: string;
  readonly connect: () => Promise<SqlConnection>;
  readonly create: readonly string[];
  /** Makes the table "twins", which every change of the other changes alike. */
  readonly twins: readonly string[];
  readonly settlesMs: number;
  readonly begin: string;
  /** The nth parameter, from 1. */
  readonly parameter: (n: number) => string;
  /** Sets the cursor of a row that changes; '' where the server does it. */
  readonly touch: string;
  /** Rows by column, and `moment`: the cursor in microseconds. */
  readonly truth: string;
  readonly lock: readonly [before: string, after: string];
  readonly unitBytes: number;
}

const COLUMNS = ['id', 'name', 'qty', 'price', 'note', 'rev'] as const;

/** Opens a world on a database that has nothing yet. */
export async function openSqlWorld(kind: SqlKind, options: WorldOptions): Promise<World> {
  const { dice, told, twins, misfits } = options;
  const main = await kind.connect();
  for (const statement of [...kind.create, ...(twins ? kind.twins : [])]) await main.run(statement);
  const history = new History();
  let number = 0;
  const first = Array.from({ length: FIRST_ROWS }, (_, n) => makeItem(n, dice, { misfits }));
  number = Math.ceil(FIRST_ROWS / WRITERS) + 1;
  await history.commit(new Map(first.map((item) => [item.id, item])), () => put(kind, main, first));
  const way = await openRoughWay(kind.port, dice, told);

  const transaction = async (connection: SqlConnection, writer: number, signal: AbortSignal) => {
    const changes = makeChanges(history, options, writer, () => number++);
    await connection.run(kind.begin);
    for (const [id, item] of changes) {
      if (item === null) await connection.run(`DELETE FROM items WHERE id = ${id}`);
      else if (history.now.has(id)) await change(kind, connection, item);
      else await put(kind, connection, [item]);
      if (dice.chance(0.3)) await rest(dice.whole(1, 60), signal);
    }
    await rest(holdMs(dice), signal);
    if (dice.chance(0.1)) await connection.run('ROLLBACK');
    else await history.commit(changes, () => connection.run('COMMIT'));
  };

  return {
    settings: kind.settings(way.port),
    credentials: { password: kind.password },
    history,
    cursor: 'changed',
    keyed: true,
    pinned: true,
    settlesMs: kind.settlesMs,
    beginning: momentOfMicros,
    unitBytes: kind.unitBytes,
    way,
    cursorSql: 'CAST(UNIX_MICROS(changed) AS STRING)',
    async write(signal) {
      const lane = async (writer: number): Promise<void> => {
        const connection = await kind.connect();
        try {
          while (!signal.aborted) {
            await transaction(connection, writer, signal);
            await rest(dice.whole(20, 250), signal);
          }
        } finally {
          await connection.close();
        }
      };
      await Promise.all(Array.from({ length: WRITERS }, (_, writer) => lane(writer)));
    },
    async lock(milliseconds) {
      const connection = await kind.connect();
      try {
        await connection.run(kind.lock[0]);
        told('table-locked');
        await new Promise((resolve) => setTimeout(resolve, milliseconds));
        await connection.run(kind.lock[1]);
      } finally {
        await connection.close();
      }
    },
    truth: async () =>
      (await main.run(kind.truth)).map((row) => ({ item: itemOf(row), moment: String(row['moment']) })),
    async close() {
      await way.close();
      await main.close();
    },
  };
}

function itemOf({ id, name, qty, price, note, rev }: Record<string, unknown>): Item {
  return {
    id: Number(id),
    name: String(name),
    qty: Number(qty),
    price: String(price),
    note: typeof note === 'string' ? note : null,
    rev: Number(rev),
  };
}

async function put(kind: SqlKind, connection: SqlConnection, items: readonly Item[]): Promise<void> {
  for (let at = 0; at < items.length; at += 100) {
    const some = items.slice(at, at + 100);
    const rows = some.map((_, row) =>
      COLUMNS.map((__, column) => kind.parameter(row * COLUMNS.length + column + 1)).join(', '),
    );
    await connection.run(
      `INSERT INTO items (${COLUMNS.join(', ')}) VALUES ${rows.map((row) => `(${row})`).join(', ')}`,
      some.flatMap((item) => COLUMNS.map((column) => item[column])),
    );
  }
}

async function change(kind: SqlKind, connection: SqlConnection, item: Item): Promise<void> {
  const sets = COLUMNS.slice(1).map((column, index) => `${column} = ${kind.parameter(index + 1)}`);
  const touched = kind.touch === '' ? '' : `, ${kind.touch}`;
  const values = COLUMNS.slice(1).map((column) => item[column]);
  await connection.run(`UPDATE items SET ${sets.join(', ')}${touched} WHERE id = ${item.id}`, values);
}
