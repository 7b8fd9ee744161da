/** Parquet files in Cloud Storage or on web servers. */
import { makeFileConnector } from '../files/connector.ts';
import { makeParquetFormat } from './format.ts';

export const parquet = makeFileConnector({
  kind: 'parquet',
  label: 'Parquet files',
  chunks: true,
  asItIs: true,
  makeFormat: (_, objects) => makeParquetFormat(objects),
});
