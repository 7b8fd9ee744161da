import type { BigQueryClient } from '#connectors/bigquery/client';
import { TableResource } from '#connectors/bigquery/resources';
import type { Relation } from '#connectors/bigquery/tables';
import { PARTITION_TIME_PLAN, planColumn } from '#connectors/bigquery/types';
import { upperBoundOf } from '#connectors/bigquery/watermark';

const MOMENT = Date.parse('2026-01-31T00:12:00Z');

function relation(mode: 'NULLABLE' | 'REQUIRED', facts: object = {}): Relation {
  const plan = planColumn({ name: 'sold', type: 'TIMESTAMP', mode });
  if (plan.column === null) throw new Error(plan.note);
  const plans = [plan, PARTITION_TIME_PLAN];
  return {
    listed: { name: 'orders', type: 'TABLE', newest: null },
    facts: TableResource.parse({ type: 'TABLE', timePartitioning: { type: 'DAY' }, ...facts }),
    plans,
    description: {
      name: 'orders',
      kind: 'table',
      columns: plans.map(({ column }) => column),
      key: [],
      notes: [],
      estimatedRows: null,
      estimatedBytes: null,
      comment: null,
    },
  };
}

/** A client as the account of a key, or the installation's own, that answers every statement with `value`. */
function asking(value: string, own = false): { client: BigQueryClient; asked: string[] } {
  const asked: string[] = [];
  const unused = () => Promise.reject(new Error('not to be asked'));
  const client: BigQueryClient = {
    api: { account: 'a', own, jobProject: 'p', warehouseLocation: 'EU', signIn: unused, ask: unused },
    name: 'shop.sales',
    location: unused,
    tables: unused,
    table: unused,
    hasRow: unused,
    bytesOf: unused,
    run: (_, sql) => (asked.push(sql), Promise.resolve({ jobId: 'j', rows: 1 })),
    page: () => Promise.resolve([{ f: [{ v: value }] }]),
  };
  return { client, asked };
}

test('rows without a moment are not left out in silence where a key reads them', async () => {
  const some = asking('3');
  await expect(upperBoundOf(some.client, relation('NULLABLE'), 'sold', null, MOMENT)).rejects.toMatchObject({
    code: 'cursor-null',
  });
  expect(some.asked).toEqual([
    `SELECT CAST(COUNT(*) AS STRING) AS c0 FROM \`shop.sales.orders\` AS t FOR SYSTEM_TIME AS OF TIMESTAMP_MILLIS(${MOMENT}) WHERE t.\`sold\` IS NULL`,
  ]);
  const none = await upperBoundOf(asking('0').client, relation('NULLABLE'), 'sold', null, MOMENT);
  expect(none.value).toBe('2026-01-31 00:02:00.000000');
  // Nothing is asked of a column that cannot be null, or by the installation's own account: the copy is looked through.
  const quiet = [
    { ...asking('3'), mode: 'REQUIRED' as const },
    { ...asking('3', true), mode: 'NULLABLE' as const },
  ];
  for (const { client, asked, mode } of quiet) {
    await upperBoundOf(client, relation(mode), 'sold', null, MOMENT);
    expect(asked).toEqual([]);
  }
});

test('a partition whose rows are still on their way into it is not taken for whole', async () => {
  const bound = async (facts: object) =>
    (await upperBoundOf(asking('0').client, relation('NULLABLE', facts), '_PARTITIONTIME', null, MOMENT))
      .value;
  expect(await bound({})).toBe('2026-01-30 23:59:59.999999');
  const oldestEntryTime = String(Date.parse('2026-01-30T23:55:00Z'));
  expect(await bound({ streamingBuffer: { oldestEntryTime } })).toBe('2026-01-29 23:59:59.999999');
});
