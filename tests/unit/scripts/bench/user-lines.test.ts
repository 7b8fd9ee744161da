import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { casesOf, holdOut } from '../../../../scripts/bench/quality/hold-out.ts';
import { historyOfRows, readUserLines } from '../../../../scripts/bench/user-lines.ts';

let folder = '';
beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), 'user-lines-'))));
afterAll(() => rm(folder, { recursive: true }));
const write = async (name: string, content: string | Uint8Array) => {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
};
const words = ({ rows, users, items }: Awaited<ReturnType<typeof readUserLines>>) =>
  Object.fromEntries(
    rows.map((row, user) => [users.keys[user], Array.from(row, (item) => items.keys[item])]),
  );

describe('a file of users’ lines', () => {
  it('is read with any words as ids, whatever ends its lines; lines of a user add up, an item counts once', async () => {
    const path = await write('odd.txt', '\uFEFFanna x-1 ü x-1\r\n\r\n  7\t8 8  9 \r\nempty\r\nanna é\r\n');
    expect(words(await readUserLines(path))).toEqual({ anna: ['x-1', 'ü', 'é'], 7: ['8', '9'], empty: [] });
  });

  it('is unpacked where it is gzip, whatever its name', async () => {
    expect(words(await readUserLines(await write('packed.txt', gzipSync('a 1 2\n'))))).toEqual({
      a: ['1', '2'],
    });
    expect(words(await readUserLines(await write('plain.gz', 'a 1 2\n')))).toEqual({ a: ['1', '2'] });
  });

  it('that cannot be read is told with its line and what would do', async () => {
    await expect(readUserLines(join(folder, 'none.txt'))).rejects.toThrow(/none\.txt: ENOENT/);
    await expect(readUserLines(await write('void.txt', '\n\n'))).rejects.toThrow(
      /none of its 2 lines has an item/,
    );
    await expect(
      readUserLines(await write('binary.txt', Buffer.from([0x61, 0x20, 0x31, 0x0a, 0xff, 0x00]))),
    ).rejects.toThrow(/binary\.txt, line 2: .* is no id/);
    const cut = gzipSync('a 1 2\n'.repeat(5000)).subarray(0, 60);
    await expect(readUserLines(await write('cut.gz', cut))).rejects.toThrow(
      /cut\.gz.*: unexpected end of file/,
    );
  });

  it('and the test file share their ids; who has nothing to learn from is not measured, unknown items count', async () => {
    const trained = await readUserLines(await write('train.txt', 'a 1 2 3\nb 2\n'));
    const tested = await readUserLines(await write('test.txt', 'c 1\na 4\n'), trained);
    const size = { customers: tested.users.keys.length, items: tested.items.keys.length };
    const test = casesOf(historyOfRows(trained.rows, size), tested.rows);
    expect([size, [...test.customers], test.targets.map((row) => [...row])]).toEqual([
      { customers: 3, items: 4 },
      [0],
      [[3]],
    ]);
  });
});

it('items to choose with are held out of users with three, or where nobody has as many, with two', () => {
  const size = { customers: 3, items: 3 };
  const held = (...rows: number[][]) => {
    const { customers, targets, before } = holdOut(
      rows.map((row) => Int32Array.from(row)),
      size,
      { users: 10, seed: 1 },
    );
    expect(before.item.length + targets.flatMap((row) => [...row]).length).toBe(rows.flat().length);
    return [...customers];
  };
  expect(held([0, 1, 2], [0, 1], [1])).toEqual([0]);
  expect(held([0], [0, 1], [1])).toEqual([1]);
  expect(held([0], [1], [2])).toEqual([]);
});
