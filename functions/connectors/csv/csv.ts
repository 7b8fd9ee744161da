/** CSV files in Cloud Storage or on web servers, plain or compressed. */
import { makeFileConnector } from '../files/connector.ts';
import { makeCsvFormat } from './format.ts';

export const csv = makeFileConnector({
  kind: 'csv',
  label: 'CSV files',
  chunks: false,
  makeFormat: makeCsvFormat,
});
