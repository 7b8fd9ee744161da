import { TransientError } from '#core/errors';
import type { LogLine } from '#core/log';
import { openRunLog, readRunLog, readRunLogPage } from '#store/run-log';
import type { Store } from '#store/store';
import { freshTenant, openTestStore } from '#tests/store';

const store = openTestStore();
afterAll(() => store.db.close());
beforeEach(() => (store.ahead = 0));

const freshRun = () => `tenants/${freshTenant()}/models/m1/etlRuns/r1`;
const line = (message: string): LogLine => ({
  at: new Date().toISOString(),
  severity: 'INFO',
  message,
  source: 'test',
});
const said = (lines: readonly LogLine[]) => lines.map(({ message }) => message);

test('a chunk that comes late, between chunks a reader has passed, comes with the next page; nothing comes twice', async () => {
  const run = freshRun();
  const at = store.clock();
  const write = async (name: string, begun: number) => {
    const log = openRunLog({ ...store, clock: () => begun }, run, name);
    log.write(line(name));
    await log.close();
  };
  await write('old', at - 60_000);
  await write('b', at - 100);
  const first = await readRunLogPage(store, run, { limit: 100 });
  expect(said(first.lines)).toEqual(['old', 'b']);
  await write('a', at - 200);
  await write('c', at);
  const second = await readRunLogPage(store, run, { limit: 100, after: first.next ?? '' });
  expect(said(second.lines).toSorted()).toEqual(['a', 'c']);
  const third = await readRunLogPage(store, run, { limit: 100, after: second.next ?? '' });
  expect(third).toEqual({ lines: [], next: second.next, more: false });
  // Once all is old enough the place is the last chunk’s alone.
  store.ahead = 60_000;
  const fourth = await readRunLogPage(store, run, { limit: 100, after: third.next ?? '' });
  expect(fourth.next).toMatch(/^[\d-]+-c$/);
});

test('a reader who wants little gets everything, in as many pages as it takes', async () => {
  const run = freshRun();
  const log = openRunLog(store, run, 'task');
  for (let n = 0; n < 1000; n++) log.write(line(`line ${n}`));
  await log.close();
  const all: string[] = [];
  let after: string | undefined;
  for (let more = true; more;) {
    const page = await readRunLogPage(store, run, { limit: 1, ...(after === undefined ? {} : { after }) });
    all.push(...said(page.lines));
    [more, after] = [page.more, page.next ?? undefined];
  }
  expect(all.toSorted()).toEqual(Array.from({ length: 1000 }, (_, n) => `line ${n}`).toSorted());
});

test('long lines are spread over documents that Firestore takes', async () => {
  const run = freshRun();
  const log = openRunLog(store, run, 'task');
  const long = 'ä'.repeat(8_000);
  for (let n = 0; n < 150; n++) log.write(line(long));
  await log.close();
  expect(await readRunLog(store, run)).toHaveLength(150);
});

test('what could not be written is written again; what is lost in the end is told', async () => {
  const run = freshRun();
  let failing = 2;
  const db: Store['db'] = {
    ...store.db,
    commit: async (writes) => {
      // The second failure is of the answer alone: what it was about is written.
      if (failing === 1) await store.db.commit(writes);
      if (failing-- > 0) throw new TransientError('database-unavailable', 'Firestore did not answer.');
      await store.db.commit(writes);
    },
  };
  const log = openRunLog({ ...store, db }, run, 'task', [1, 1]);
  log.write(line('kept'));
  await log.close();
  expect(said(await readRunLog(store, run))).toEqual(['kept']);

  const second = openRunLog({ ...store, db }, run, 'other', [1, 1]);
  failing = 4;
  // The first two hundred fill a chunk: three tries are not enough for it.
  for (let n = 0; n < 200; n++) second.write(line('lost'));
  await new Promise((resolve) => setTimeout(resolve, 300));
  second.write(line('after'));
  await second.close();
  const told = said(await readRunLog(store, run));
  expect(told).toContain('after');
  expect(told).toContain('200 lines before this one could not be written.');
  expect(told).not.toContain('lost');
});
