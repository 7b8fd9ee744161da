import { EtlRun, WHOLE_READ } from '#core/etl-run';
import {
  broughtRows,
  countNewRows,
  latestSeen,
  type LoadedTable,
} from '../../../functions/schedules/new-rows.ts';

const table = (
  destination: string,
  mode: LoadedTable['mode'],
  rows: number,
  failed = false,
  watermark: string | null = null,
  added: number | null = null,
): LoadedTable => ({
  destination,
  mode,
  status: failed ? 'failed' : 'succeeded',
  counts: { rows, bytes: 0, rejected: {} },
  watermark,
  added,
});
const both = new Set(['orders', 'items']);

test('a table that is added to has brought all that came; one that is replaced, what it holds more', () => {
  const loads = [
    [table('orders', 'append', 10), table('items', 'replace', 130)],
    [table('orders', 'append', 5), table('items', 'replace', 120)],
    [table('orders', 'append', 900), table('items', 'replace', 100)],
  ];
  expect(countNewRows(loads, 0, both)).toBe(0);
  expect(countNewRows(loads, 1, both)).toBe(10 + 10);
  expect(countNewRows(loads, 2, both)).toBe(15 + 30);
  // Nothing was there before: all of it is new.
  expect(countNewRows(loads, 3, both)).toBe(915 + 130);
});

test('a table that is merged has brought what came by its cursor; read as a whole, what it holds more', () => {
  const loads = [
    [table('orders', 'merge', 10, false, '2026-11-01'), table('items', 'merge', 130, false, WHOLE_READ)],
    [table('orders', 'merge', 900, false, '2026-10-01'), table('items', 'merge', 120, false, WHOLE_READ)],
  ];
  expect(countNewRows(loads, 1, both)).toBe(10 + 10);
});

test('where loads have counted what a table has more, rows that a merge changed are not new', () => {
  const counted = (mode: LoadedTable['mode'], rows: number, added: number) =>
    table('orders', mode, rows, false, '2026-11-01', added);
  expect(countNewRows([[counted('merge', 500, 3)], [counted('merge', 900, 0)]], 2, both)).toBe(3);
  // It shrank and grew again: nothing that was not there before.
  expect(countNewRows([[counted('replace', 100, 20)], [counted('replace', 80, -20)]], 2, both)).toBe(0);
  expect(countNewRows([[counted('append', 7, 7)]], 1, both)).toBe(7);
});

test('other tables, tables that failed and tables that shrank bring nothing', () => {
  const loads = [
    [table('orders', 'append', 10, true), table('items', 'replace', 80), table('prices', 'append', 70)],
    [table('items', 'replace', 100)],
  ];
  expect(countNewRows(loads, 1, both)).toBe(0);
});

test('a table that failed in the newest load counts by its newest that succeeded', () => {
  const loads = [
    [table('items', 'replace', 300, true)],
    [table('items', 'replace', 150)],
    [table('items', 'replace', 300, true)],
    [table('items', 'replace', 100)],
  ];
  expect(countNewRows(loads, 2, both)).toBe(50);
});

test('a run that repeats an older one on its outputs has seen no more than that one', () => {
  const run = (asOf: string, status: 'succeeded' | 'failed' = 'succeeded', dataset = 'done') => ({
    dataset,
    status,
    asOf,
  });
  const [monday, tuesday, wednesday] = [2, 3, 4].map((day) => `2026-11-0${day}T00:00:00.000Z`);
  // Newest first: the repetition of Monday's was asked for last.
  const runs = [run(monday!), run(wednesday!, 'failed'), run(tuesday!), run(monday!)];
  expect(latestSeen([...runs, run(wednesday!, 'succeeded', 'dother')], 'done')).toBe(tuesday);
  expect(latestSeen([], 'done')).toBeNull();
});

test('a load that was cancelled or failed in the end counts where it has published rows', () => {
  const run = (status: string, rows: number, finishedAt: string | null = '2026-01-01T00:00:00.000Z') =>
    ({ status, finishedAt, counts: { rows, bytes: 0, rejected: {} } }) as unknown as EtlRun;
  expect(broughtRows(run('cancelled', 50_000))).toBe(true);
  expect(broughtRows(run('failed', 1))).toBe(true);
  expect(broughtRows(run('cancelled', 0))).toBe(false);
  expect(broughtRows(run('succeeded', 0))).toBe(true);
  expect(broughtRows(run('running', 5, null))).toBe(false);
});
