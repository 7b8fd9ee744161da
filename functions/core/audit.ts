import { z } from 'zod';
import { Id, Moment } from './ids.ts';

/**
 * What is of no tenant (an operator's decision on a message of none, who was refused at an operator's endpoint) is kept
 * like a tenant's audit under this id, which is no tenant's: ids that are made here are longer.
 */
export const INSTALLATION = 'installation';

const Fields = z.record(z.string(), z.unknown());

/** Who did what, or was refused: `tenants/{t}/audit/{id}`. Written with the change it tells of; never changed after. */
export const AuditRecord = z.object({
  id: z.string(),
  tenant: Id,
  at: Moment,
  /** A person's uid, `key:<id>` of an API key, or `system`. */
  actor: z.string(),
  /** `<noun>.<verb>`, or `<METHOD> <path template>` of what was refused. */
  action: z.string(),
  /** Path of the document it is about. */
  target: z.string(),
  outcome: z.enum(['done', 'denied']),
  before: Fields.nullable(),
  after: Fields.nullable(),
  requestId: z.string().nullable(),
  /** Number of the block that seals it; null until one does. */
  block: z.int().nullable(),
  /** The import that brought it from another tenant's export; it tells of what happened there. */
  imported: z.string().nullable().default(null),
});
export type AuditRecord = z.infer<typeof AuditRecord>;

/**
 * A link of the chain that seals a tenant's audit: `tenants/{t}/auditBlocks/b<number>`. `mac` covers everything else of
 * the block; `previous` is the mac of the block before, empty in the first.
 */
export const AuditBlock = z.object({
  number: z.int().min(1),
  entries: z.array(z.object({ id: z.string(), hash: z.string() })).min(1),
  sealedAt: Moment,
  previous: z.string(),
  /** Which key the mac was made with, so that it can be found again after a rotation. */
  key: z.string(),
  mac: z.string(),
  /** The same block signed once more, `mac` included, by a newer key: it holds when the first key is gone. */
  countersigned: z.object({ key: z.string(), mac: z.string() }).nullable().default(null),
});
export type AuditBlock = z.infer<typeof AuditBlock>;

/** The first thing of a tenant's audit that does not fit. */
export const AuditProblem = z.object({
  kind: z.enum([
    'entry-changed',
    'entry-removed',
    'entry-inserted',
    'entry-backdated',
    'block-changed',
    'block-removed',
    'block-inserted',
    'end-removed',
    'key-unknown',
  ]),
  /** Number of the block it was seen in, where there is one. */
  block: z.int().nullable(),
  entry: z.string().nullable(),
  message: z.string(),
});
export type AuditProblem = z.infer<typeof AuditProblem>;

/** What was looked at, and whether it is as it was sealed. */
export const AuditVerification = z.object({
  intact: z.boolean(),
  problem: AuditProblem.nullable(),
  /** How many blocks and sealed entries were looked at. */
  blocks: z.int(),
  entries: z.int(),
  /** Entries not sealed yet: only as safe as the database itself. */
  unsealed: z.int(),
  /** The `from` that goes on from here; null where the end was reached. */
  next: z.int().nullable(),
});
export type AuditVerification = z.infer<typeof AuditVerification>;
