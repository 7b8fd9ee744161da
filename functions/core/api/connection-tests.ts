import { z } from 'zod';
import { ConnectionTest, ConnectionTestStatus } from '../connection-test.ts';
import { Id } from '../ids.ts';
import { contract, listQuery, pageOf } from './contract.ts';

export const startConnectionTest = contract({
  method: 'POST',
  path: '/api/tenants/{tenant}/models/{model}/connection-tests',
  access: 'edit',
  rate: 'trigger',
  summary: 'Test a source step by step; watch the answer’s document, or get it again.',
  body: z.strictObject({ source: Id }),
  answer: ConnectionTest,
  status: 202,
});

export const getConnectionTest = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/models/{model}/connection-tests/{test}',
  access: 'read',
  summary: 'A connection test with the steps done so far.',
  answer: ConnectionTest,
});

export const listConnectionTests = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/models/{model}/connection-tests',
  access: 'read',
  summary: 'The tests of the last 30 days, newest first: of all sources, or of one.',
  query: listQuery({ source: Id.optional(), status: ConnectionTestStatus.optional() }, ['createdAt']).omit({
    deleted: true,
  }),
  answer: pageOf(ConnectionTest),
});
