/** What can be wrong with a source when its connection is tested: each kind shows every cell, or says why it has none. */
export const CELLS = [
  'name: unknown',
  'name: private',
  'name: metadata',
  'port: closed',
  'port: silent',
  'port: another protocol',
  'TLS: not offered',
  'TLS: another authority',
  'TLS: another name',
  'TLS: expired',
  'password: wrong',
  'password: missing',
  'user: unknown',
  'database: unknown',
  'privilege: none',
  'privilege: read',
  'version: too old',
  'empty',
] as const;
export type Cell = (typeof CELLS)[number];
