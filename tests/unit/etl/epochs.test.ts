import type { EtlTable } from '#core/etl-run';
import { countTries, MAX_EPOCHS, planEpoch, type SourceTries } from '../../../functions/etl/epochs.ts';
import { newTable } from '../../../functions/etl/tables.ts';
import { SourceTable } from '#core/source';

const table = (id: string, source: string): EtlTable =>
  newTable(
    'r1',
    SourceTable.parse({
      id,
      source,
      name: id,
      columns: [],
      key: null,
      estimatedRows: null,
      enabled: true,
      mode: 'replace',
      cursor: null,
      destination: id,
      rejectLimit: 0,
      discoveredAt: '2026-01-01T00:00:00.000Z',
    }),
    '2026-01-01T00:00:00.000Z',
  );
const open = [table('orders', 'mysql'), table('prices', 'files')];
const names = (tables: readonly EtlTable[]) => tables.map(({ name }) => name);
const lostBy = (source: string, message: string) =>
  new Map([[source, { code: 'connection-lost', message, remedy: null }]]);

test('the first epoch takes everything at once; a source that does not answer fails', () => {
  const first = planEpoch(open, new Map(), 0);
  expect(first).toMatchObject({ tables: open, givenUp: [], pauseMs: 0 });
  expect(first.patienceWith('mysql')).toBe('fail');
});

test('a source that went away rests, longer each time, and is given up alone, with its own words', () => {
  let tries: ReadonlyMap<string, SourceTries> = new Map();
  tries = countTries(tries, ['mysql', 'files'], lostBy('mysql', 'MySQL went away.'), 1000);
  const second = planEpoch([open[0]!], tries, 3000);
  expect(second).toMatchObject({ tables: [open[0]], pauseMs: 8000 });
  expect(second.patienceWith('mysql')).toBe('leave');
  // The others took longer than it had to rest.
  expect(planEpoch([open[0]!], tries, 60_000).pauseMs).toBe(0);
  tries = countTries(tries, ['mysql'], new Map(), 20_000);
  expect(planEpoch([open[0]!], tries, 20_000)).toMatchObject({ pauseMs: 20_000 });
  expect(planEpoch([open[0]!], tries, 20_000).patienceWith('mysql')).toBe('fail');
  tries = countTries(tries, ['mysql'], lostBy('mysql', 'MySQL went away again.'), 50_000);
  expect(tries.get('mysql')?.epochs).toBe(MAX_EPOCHS);

  // A table of the other source, for whatever reason it is open still, is read.
  const last = planEpoch(open, tries, 50_000);
  expect(names(last.tables)).toEqual(['prices']);
  expect(last.givenUp).toEqual([
    {
      table: open[0],
      failure: {
        code: 'connection-lost',
        message: '"orders" could not be read to its end. MySQL went away again.',
        remedy: null,
      },
    },
  ]);
});

test('a snapshot that was closed says what the server has to allow', () => {
  const gone = new Map([['mysql', { code: 'snapshot-gone', message: 'Gone.', remedy: null }]]);
  let tries: ReadonlyMap<string, SourceTries> = new Map();
  for (let n = 0; n < MAX_EPOCHS; n++) tries = countTries(tries, ['mysql'], gone, 0);
  expect(planEpoch(open, tries, 0).givenUp).toMatchObject([{ failure: { code: 'snapshot-lost' } }]);
});
