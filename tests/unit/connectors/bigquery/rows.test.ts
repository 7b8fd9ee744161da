import { MAX_VALUE_BYTES } from '#columnar/bytes-column';
import { makeTableWriter } from '#columnar/table-writer';
import { makeTake } from '#connectors/bigquery/rows';
import { makeMemorySink } from '#tests/parquet';

test.each(['STRING', 'JSON', 'BYTES'] as const)('a longer %s than is taken costs its row alone', (type) => {
  const column = { name: 'v', type, nullable: true, sourceType: type };
  const take = makeTake(column, makeTableWriter([column], makeMemorySink()).builders[0]!);
  const bytes = Buffer.alloc(MAX_VALUE_BYTES + 1, 'x');
  expect(take(bytes.toString(type === 'BYTES' ? 'base64' : 'latin1'))).toMatchObject({
    reason: 'value-too-big',
  });
});
