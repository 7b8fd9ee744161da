import { startZetaSql } from '#tests/zetasql';
import { sweepName } from '../../../functions/etl/sweep-sql.ts';
import { forgetStatement, namesInLedger, SPEAKING } from '../../../functions/models/purge-sql.ts';

test('what is said of purged tables is removed by GoogleSQL, under every name the ledger has for them', async () => {
  const zeta = await startZetaSql();
  const tables = Object.fromEntries(SPEAKING.map((table) => [`p.raw.${table}`, { table_name: 'STRING' }]));
  try {
    for (const table of SPEAKING)
      await zeta.analyze(forgetStatement('p', 'raw', table), {
        tables,
        params: { tables: 'ARRAY<STRING>' },
      });
  } finally {
    await zeta.stop();
  }
  expect(namesInLedger('orders')).toEqual(['orders', 'orders#rejects', 'orders#unfit', sweepName('orders')]);
});
