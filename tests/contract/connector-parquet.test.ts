import { parquetWriteBuffer } from 'hyparquet-writer';
import { parquet } from '#connectors/parquet/parquet';
import type { SourceAccess } from '#connectors/connector';
import { makeMemoryObjects, makeTestContext } from '#tests/connectors';
import { describeConnector } from './connector-suite.ts';

const ROWS = 20_000;
const uri = 'gs://shop-files/exports/things.parquet';

function file(count: number): Uint8Array {
  const ids = Array.from({ length: count }, (_, i) => BigInt(i + 1));
  const bytes = parquetWriteBuffer({
    columnData: [
      { name: 'id', data: ids, type: 'INT64' },
      { name: 'label', data: ids.map((id) => `label ${id}`), type: 'STRING' },
    ],
    codec: 'UNCOMPRESSED',
    rowGroupSize: 1000,
  });
  return new Uint8Array(bytes);
}

function accessTo(...uris: string[]): SourceAccess {
  return { settings: { kind: 'parquet', uris }, credentials: null };
}

const objects = makeMemoryObjects();

describeConnector(
  'parquet',
  async () => {
    objects.put(uri, file(ROWS));
    objects.put('gs://shop-files/empty.parquet', '');
    objects.put('gs://shop-files/table.csv', 'id,label\n1,label 1\n');
    return {
      connector: parquet,
      context: makeTestContext(objects),
      access: accessTo(uri),
      secret: null,
      table: 'things.parquet',
      rows: ROWS,
      cursor: null,
      broken: [
        {
          what: 'missing object',
          access: accessTo('gs://shop-files/lost.parquet'),
          step: 'reach',
          code: 'object-not-found',
          names: 'gs://shop-files/lost.parquet',
        },
        {
          what: 'empty object',
          access: accessTo('gs://shop-files/empty.parquet'),
          step: 'read',
          code: 'file-broken',
          names: 'gs://shop-files/empty.parquet',
        },
        {
          what: 'another kind of file',
          access: accessTo('gs://shop-files/table.csv'),
          step: 'read',
          code: 'file-broken',
          names: 'gs://shop-files/table.csv',
        },
        {
          what: 'a pattern that nothing matches',
          access: accessTo('gs://shop-files/none/*.parquet'),
          step: 'reach',
          code: 'object-not-found',
          names: 'gs://shop-files/none/*.parquet',
        },
      ],
      change: async () => objects.put(uri, file(3)),
      appended: [1, 2, 3], // a new generation is a new file: all of it
    };
  },
  async () => undefined,
);
