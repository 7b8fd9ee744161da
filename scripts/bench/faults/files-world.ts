/* A world of uploaded files, all one table: files come, and are replaced. */
import { parquetWriteBuffer } from 'hyparquet-writer';
import type { Files } from '#cloud/storage';
import { History, type Item } from './history.ts';
import { makeItem, rest, type World, type WorldOptions } from './world.ts';

const COLUMNS = ['id', 'name', 'qty', 'price', 'note', 'rev'] as const;
/** Parquet keeps what a text is; delimited text has one empty field for both. */
const CSV_NOTES = [null, "O'Brien", '"quoted", and more', 'line\nbreak', 'ünïcödé ☃', 'tab\there'];

/** Opens one over `files`, in `folder` (`gs://…/`). */
export async function openFilesWorld(
  kind: 'csv' | 'parquet',
  files: Files,
  folder: string,
  { dice, habit, twins }: WorldOptions,
): Promise<World> {
  const history = new History();
  /** Ids by file: a row stays in its file. */
  const held = new Map<number, number[]>();
  let nextId = 0;
  const item = (id: number) => makeItem(id, dice, kind === 'csv' ? { notes: CSV_NOTES } : {});
  const tables = ['items', ...(twins ? ['twins'] : [])];
  const save = async (number: number, rows: readonly Item[]): Promise<void> => {
    for (const table of tables)
      await files.save(
        `${folder}${table}-${number}.${kind}`,
        kind === 'csv' ? csvOf(rows) : parquetOf(rows),
        kind === 'csv' ? 'text/csv' : 'application/vnd.apache.parquet',
      );
  };
  const add = async (size: number): Promise<void> => {
    const rows = Array.from({ length: size }, () => item(nextId++));
    const number = held.size;
    held.set(
      number,
      rows.map(({ id }) => id),
    );
    await history.commit(new Map(rows.map((row) => [row.id, row])), () => save(number, rows));
  };
  const replace = async (): Promise<void> => {
    const number = dice.pick([...held.keys()]);
    const changes = new Map<number, Item | null>();
    const rows: Item[] = [];
    for (const id of held.get(number) ?? []) {
      const before = history.now.get(id);
      if (before === undefined) continue;
      if (habit === 'deletes' && dice.chance(0.1)) changes.set(id, null);
      else if (dice.chance(0.5)) {
        const after = item(id);
        changes.set(id, after);
        rows.push(after);
      } else rows.push(before);
    }
    // A file without rows would have no types.
    if (rows.length === 0) return;
    await history.commit(changes, () => save(number, rows));
  };
  for (let n = 0; n < 4; n++) await add(120);

  return {
    settings: {
      kind,
      uris: tables.map((table) => `${folder}${table}-*.${kind}`),
      ...(kind === 'csv' ? { encoding: 'utf-8' } : {}),
    } as World['settings'],
    credentials: null,
    history,
    cursor: null,
    keyed: false,
    pinned: false,
    settlesMs: 0,
    beginning: null,
    unitBytes: 8 * 1024,
    way: null,
    cursorSql: null,
    async write(signal) {
      while (!signal.aborted) {
        if (habit === 'adds' || dice.chance(0.4)) await add(dice.whole(1, 60));
        else await replace();
        await rest(dice.whole(1000, 6000), signal);
      }
    },
    lock: () => Promise.resolve(),
    truth: () => Promise.resolve([...history.now.values()].map((one) => ({ item: one, moment: null }))),
    close: () => Promise.resolve(),
  };
}

function csvOf(rows: readonly Item[]): string {
  const field = (value: string | number | null) =>
    value === null ? '' : typeof value === 'number' ? String(value) : `"${value.replaceAll('"', '""')}"`;
  return [COLUMNS.join(','), ...rows.map((row) => COLUMNS.map((name) => field(row[name])).join(','))].join(
    '\n',
  );
}

function parquetOf(rows: readonly Item[]): Buffer {
  const types = {
    id: 'INT32',
    name: 'STRING',
    qty: 'INT32',
    price: 'STRING',
    note: 'STRING',
    rev: 'INT64',
  } as const;
  return Buffer.from(
    parquetWriteBuffer({
      columnData: COLUMNS.map((name) => ({
        name,
        type: types[name],
        data: rows.map((row) => (name === 'rev' ? BigInt(row.rev) : row[name])),
      })),
    }),
  );
}
