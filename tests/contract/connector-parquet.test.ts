import { parquetWriteBuffer } from 'hyparquet-writer';
import { parquet } from '#connectors/parquet/parquet';
import type { SourceAccess } from '#connectors/connector';
import { makeMemoryObjects, makeTestContext } from '#tests/connectors';
import { describeConnector } from './connector-suite.ts';
import { type FileCells, startFileCells } from './file-cells.ts';

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
let cells: FileCells;

describeConnector(
  'parquet',
  async () => {
    objects.put(uri, file(ROWS));
    objects.put('gs://shop-files/empty.parquet', '');
    objects.put('gs://shop-files/secret.parquet', Buffer.concat([file(1).slice(0, -4), Buffer.from('PARE')]));
    cells = await startFileCells('parquet', accessTo, objects);
    objects.put('gs://shop-files/table.csv', 'id,label\n1,label 1\n');
    return {
      connector: parquet,
      context: makeTestContext(objects),
      access: accessTo(uri),
      secret: null,
      table: 'things.parquet',
      rows: ROWS,
      cursor: null,
      impossible: cells.impossible,
      broken: [
        ...cells.broken,
        { cell: 'empty', what: 'no bytes', access: accessTo('gs://shop-files/empty.parquet'), step: 'read', code: 'file-broken', names: 'gs://shop-files/empty.parquet', remedy: /Write the file again|Parquet/ },
        { cell: 'empty', what: 'another kind of file', access: accessTo('gs://shop-files/table.csv'), step: 'read', code: 'file-broken', names: 'gs://shop-files/table.csv', remedy: /Write the file again|Parquet/ },
        { cell: 'version: too old', what: 'encrypted', access: accessTo('gs://shop-files/secret.parquet'), step: 'read', code: 'parquet-unsupported', names: 'gs://shop-files/secret.parquet', remedy: /Write it without encryption/ },
      ], // prettier-ignore
      change: async () => objects.put(uri, file(3)),
      appended: [1, 2, 3], // a new generation is a new file: all of it
    };
  },
  async () => cells?.stop(),
);
