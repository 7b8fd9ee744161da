import { csv } from '#connectors/csv/csv';
import type { SourceAccess } from '#connectors/connector';
import { makeMemoryObjects, makeTestContext } from '#tests/connectors';
import { describeConnector } from './connector-suite.ts';
import { type FileCells, startFileCells } from './file-cells.ts';

const ROWS = 20_000;
const uri = 'gs://shop-files/exports/things.csv';
const lines = (count: number): string =>
  `id,label\n${Array.from({ length: count }, (_, i) => `${i + 1},label ${i + 1}\n`).join('')}`;

function accessTo(...uris: string[]): SourceAccess {
  return { settings: { kind: 'csv', uris, encoding: 'utf-8' }, credentials: null };
}

const objects = makeMemoryObjects();
let cells: FileCells;

describeConnector(
  'csv',
  async () => {
    objects.put(uri, lines(ROWS));
    objects.put('gs://shop-files/empty.csv', '');
    cells = await startFileCells('csv', accessTo, objects);
    return {
      connector: csv,
      context: makeTestContext(objects),
      access: accessTo(uri),
      secret: null,
      table: 'things.csv',
      rows: ROWS,
      cursor: null,
      impossible: { ...cells.impossible, 'version: too old': 'Text has no versions.' },
      broken: [
        ...cells.broken,
        {
          cell: 'empty',
          access: accessTo('gs://shop-files/empty.csv'),
          step: 'read',
          code: 'file-empty',
          names: 'gs://shop-files/empty.csv',
          remedy: /header/,
        },
      ],
      change: async () => objects.put(uri, lines(3)),
      appended: [1, 2, 3], // a new generation is a new file: all of it
    };
  },
  async () => cells?.stop(),
);
