/*
 * What the lists of the API's contracts do not say of themselves: fields that are called otherwise in the documents, the
 * queries that functions make besides, and fields that Firestore treats in a way of its own.
 */

/** Where a list's collection is not called like the end of its path. */
export const COLLECTIONS: Readonly<Record<string, string>> = {
  '/api/tenants/{tenant}/keys': 'apiKeys',
  '/api/tenants/{tenant}/models/{model}/etl/runs/{run}/tables': 'tables',
  '/api/tenants/{tenant}/models/{model}/sources/{source}/tables': 'tables',
};

/** By collection, the documents' fields behind a list's filters where they are called otherwise. */
export const FIELDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  schedules: { kind: 'what.kind' },
  tenants: { search: 'nameKey' },
};

/** A query besides the lists: equal fields, then at most one field that is compared or ordered by. */
export interface Query {
  readonly collection: string;
  /** Over every collection of that name. */
  readonly everywhere?: boolean;
  readonly equal?: readonly string[];
  readonly by?: readonly [field: string, order: 'asc' | 'desc'];
}

/** Only those that need an index which Firestore does not keep by itself. */
export const QUERIES: readonly Query[] = [
  // tenants/tenants.ts: the tenants a person belongs to
  { collection: 'members', everywhere: true, equal: ['uid'] },
  // tenants/export.ts: files of exports whose time is over
  { collection: 'exports', everywhere: true, by: ['expiresAt', 'asc'] },
  // store/audit-chain.ts, store/verify-audit.ts: entries that no block seals yet, entries of a block by their time
  { collection: 'audit', equal: ['block'], by: ['at', 'asc'] },
  { collection: 'audit', everywhere: true, equal: ['block'], by: ['at', 'asc'] },
  // control-plane: dead letters, newest first
  { collection: 'deadLetters', equal: ['state'], by: ['at', 'desc'] },
  { collection: 'deadLetters', equal: ['topic'], by: ['at', 'desc'] },
  { collection: 'deadLetters', equal: ['tenant'], by: ['at', 'desc'] },
  // alerts: a channel's messages, newest first; those that are due
  { collection: 'alertDeliveries', equal: ['channel', 'status'], by: ['createdAt', 'desc'] },
  { collection: 'alertDeliveries', everywhere: true, by: ['nextAt', 'asc'] },
  // schedules: what became of a schedule's occasions; schedules whose time has come
  { collection: 'firings', equal: ['status'], by: ['createdAt', 'desc'] },
  { collection: 'firings', everywhere: true, equal: ['run.id'] },
  { collection: 'schedules', everywhere: true, by: ['nextDue', 'asc'] },
  // store/resource.ts: what was deleted longer ago than it can be restored
  ...['models', 'sources', 'datasets', 'pipelineConfigs', 'versions', 'schedules'].map(
    (collection): Query => ({
      collection,
      everywhere: true,
      by: ['deletedAt', 'asc'],
    }),
  ),
];

/** Documents that Firestore removes once this moment has passed; the field is not searched by. */
export const EXPIRING: readonly (readonly [collection: string, field: string])[] = [
  ['alertDeliveries', 'expireAt'],
  ['alerts', 'expireAt'],
  ['claims', 'expireAt'],
  ['connectionTests', 'expireAt'],
  ['deadLetters', 'expireAt'],
  ['firings', 'expireAt'],
  ['health', 'expireAt'],
  ['idempotency', 'expireAt'],
  ['logs', 'expireAt'],
  ['rateLimits', 'expireAt'],
  ['startRefusals', 'expireAt'],
];

/** Long texts that nobody searches by: an index of them would only cost. */
export const UNSEARCHED: readonly (readonly [collection: string, field: string])[] = [
  ['deadLetters', 'data'],
  ['idempotency', 'body'],
];
