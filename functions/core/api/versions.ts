import { Version } from '../version.ts';
import { contract, Page, pageOf } from './contract.ts';

export const listVersions = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/models/{model}/versions',
  access: 'read',
  summary: 'What training runs made, newest first.',
  query: Page,
  answer: pageOf(Version),
});

export const getVersion = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/models/{model}/versions/{version}',
  access: 'read',
  summary: 'One version with its metrics.',
  answer: Version,
});
