import { createHash, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { ConflictError, type Listing, type Snapshot } from '#cloud/firestore';
import type { Files } from '#cloud/storage';
import { AuditBlock } from '#core/audit';
import type { InstallationKeys } from '#core/installation-keys';
import { paths } from '#core/paths';
import { now, type Store } from './store.ts';

/*
 * The audit of a tenant, sealed: entries are gathered into numbered blocks, each with an HMAC over its entries' hashes and
 * the block before. The key comes from the installation's, which is in no database and in no container. Who can write to
 * Firestore can still do as they please with what is not sealed yet, some seconds to a minute of it; whatever they change,
 * remove or insert before that is found by `verifyAudit` (verify-audit.ts). That the newest blocks are missing altogether is
 * seen by a second record of the last one, in Cloud Storage; who can write to both could turn both back to an earlier
 * state, unless the bucket keeps former versions.
 *
 * Of several sealers one wins each number: a block is created, never replaced, together with the marks on its entries.
 */

/** Younger entries wait: one with an earlier moment may still be on its way. */
const AGE_SECONDS = 5;

/** Entries of one block: with the block itself they fit a batch. */
const BLOCK = 400;

/** Tenants looked at in one go, by the unsealed entries found first: of all, and of those that are recent. */
const DISCOVERED = 1000;

/** How far back recent entries reach: longer than they wait where all is well. */
const RECENT_SECONDS = 900;

/** Blocks of one tenant that are made before the others have their turn again, and turns of a look. */
const BLOCKS_A_TURN = 2;
const TURNS = 50;

/** What sealing and verifying stand on beside the store. */
export interface AuditPlace {
  readonly bucket: string;
  readonly files: Pick<Files, 'save' | 'readAll' | 'stat'>;
  readonly installationKeys: InstallationKeys;
}

/** The last block that was sealed, as Cloud Storage knows it. */
export const AuditHead = z.object({ number: z.int(), mac: z.string() });

/** Where the second record of a tenant's last block lies. */
export function headUri(bucket: string, tenant: string): string {
  return `gs://${bucket}/${tenant}/audit/head.json`;
}

/** The key that a tenant's blocks are signed with, and its name, by which it is found again after a rotation. */
export function auditKey(installationKey: Uint8Array, tenant: string): { name: string; key: Uint8Array } {
  const key = new Uint8Array(hkdfSync('sha256', installationKey, tenant, 'tradewind audit chain', 32));
  return { name: createHash('sha256').update(key).digest('hex').slice(0, 16), key };
}

/** What of an entry is sealed: everything but the mark that says where. */
export function hashEntry(entry: Readonly<Record<string, unknown>>): string {
  const { block: _, ...sealed } = entry;
  return createHash('sha256').update(canonical(sealed)).digest('hex');
}

/** What of a block is signed. */
type Unsigned = Omit<AuditBlock, 'mac' | 'countersigned'>;

/** The signature of a block, in hex. */
export function macOf(key: Uint8Array, tenant: string, block: Unsigned): string {
  const { number, entries, sealedAt, previous, key: name } = block;
  return createHmac('sha256', key)
    .update(canonical({ tenant, number, entries, sealedAt, previous, key: name }))
    .digest('hex');
}

/** The signature that a newer key adds, in hex. */
export function counterMacOf(key: Uint8Array, tenant: string, block: Unsigned & { mac: string }): string {
  return createHmac('sha256', key)
    .update(canonical({ countersigned: block.mac, by: macOf(key, tenant, block) }))
    .digest('hex');
}

/** Whether two signatures are equal, in constant time. */
export function sameMac(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** JSON with sorted keys: the same text for the same value, however Firestore orders its fields. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value !== null && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype)
    return `{${Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => `${JSON.stringify(key)}:${canonical(one)}`)
      .join(',')}}`;
  return JSON.stringify(value) ?? 'null';
}

/**
 * Seals what waits, of every tenant. One with a backlog, such as an import brings, keeps nobody waiting: who was active
 * lately comes first, and tenants take turns.
 * @returns how many blocks were made, and what went wrong with whom.
 */
export async function sealAudits(
  store: Store,
  place: AuditPlace,
): Promise<{ blocks: number; failures: { tenant: string; error: unknown }[] }> {
  const oldest = oldestUnsealed(store);
  const since = new Date(store.clock() - RECENT_SECONDS * 1000).toISOString();
  const [recent, all] = await Promise.all([
    store.db.listGroup('audit', {
      ...oldest,
      where: [...(oldest.where ?? []), ['at', '>=', since] as const],
      limit: DISCOVERED,
    }),
    store.db.listGroup('audit', { ...oldest, limit: DISCOVERED }),
  ]);
  let left = new Set([...recent, ...all].map(({ path }) => path.split('/')[1] ?? ''));
  const failures: { tenant: string; error: unknown }[] = [];
  let blocks = 0;
  for (let turn = 0; turn < TURNS && left.size > 0; turn++) {
    const unfinished = new Set<string>();
    for (const tenant of left) {
      try {
        const made = await sealAudit(store, place, tenant, BLOCKS_A_TURN);
        blocks += made;
        if (made === BLOCKS_A_TURN) unfinished.add(tenant);
      } catch (error) {
        failures.push({ tenant, error });
      }
    }
    left = unfinished;
  }
  return { blocks, failures };
}

/** Entries that are old enough and in no block, the oldest first. */
function oldestUnsealed(store: Store): Listing {
  const before = new Date(store.clock() - AGE_SECONDS * 1000).toISOString();
  return {
    where: [
      ['block', '==', null],
      ['at', '<', before],
    ],
    orderBy: ['at', 'asc'],
  };
}

/** Seals what waits of one tenant, in `atMost` blocks. @returns how many blocks were made. */
export async function sealAudit(
  store: Store,
  place: AuditPlace,
  tenant: string,
  atMost = Infinity,
): Promise<number> {
  const oldest = oldestUnsealed(store);
  let made = 0;
  while (made < atMost) {
    const waiting = await store.db.list(paths.audits(tenant), { ...oldest, limit: BLOCK });
    if (waiting.length === 0) return made;
    const last = await lastBlock(store, tenant);
    const block = seal(store, place, tenant, last, waiting);
    try {
      await store.db.commit([
        { kind: 'create', path: paths.auditBlock(tenant, block.number), data: block },
        ...waiting.map(({ path, version }) => ({
          kind: 'update' as const,
          path,
          data: { block: block.number },
          version,
        })),
      ]);
    } catch (error) {
      // Somebody else has sealed them, or an entry was touched in between: the next look takes what is there then.
      if (error instanceof ConflictError) return made;
      throw error;
    }
    await keepHead(place, tenant, block);
    made++;
    if (waiting.length < BLOCK) return made;
  }
  return made;
}

function seal(
  store: Store,
  place: AuditPlace,
  tenant: string,
  last: AuditBlock | null,
  waiting: readonly Snapshot[],
): AuditBlock {
  const { name, key } = auditKey(place.installationKeys.current, tenant);
  const block = {
    number: (last?.number ?? 0) + 1,
    entries: waiting.map(({ id, data }) => ({ id, hash: hashEntry(data) })),
    sealedAt: now(store),
    previous: last?.mac ?? '',
    key: name,
  };
  return { ...block, mac: macOf(key, tenant, block), countersigned: null };
}

/** The block with the highest number. */
export async function lastBlock(store: Pick<Store, 'db'>, tenant: string): Promise<AuditBlock | null> {
  const [found] = await store.db.list(paths.auditBlocks(tenant), {
    orderBy: ['number', 'desc'],
    limit: 1,
  });
  return found === undefined ? null : AuditBlock.parse(found.data);
}

/** The second record. Should it fail, or come late, it lags behind by a block until the next is sealed. */
async function keepHead(place: AuditPlace, tenant: string, { number, mac }: AuditBlock): Promise<void> {
  const uri = headUri(place.bucket, tenant);
  await place.files.save(uri, JSON.stringify({ number, mac }), 'application/json');
}

/** The second record; null where there is none. */
export async function readHead(
  place: Pick<AuditPlace, 'bucket' | 'files'>,
  tenant: string,
): Promise<z.infer<typeof AuditHead> | null> {
  const uri = headUri(place.bucket, tenant);
  if ((await place.files.stat(uri)) === null) return null;
  return AuditHead.parse(JSON.parse(Buffer.from(await place.files.readAll(uri)).toString('utf8')));
}

/** Whether the block is as one of the installation's keys has signed it; null where none of them has. */
export function isAsSigned(
  installation: InstallationKeys,
  tenant: string,
  block: AuditBlock,
): boolean | null {
  const keys = [installation.current, ...installation.former].map((one) => auditKey(one, tenant));
  const first = keys.find(({ name }) => name === block.key);
  if (first !== undefined) return sameMac(block.mac, macOf(first.key, tenant, block));
  const { countersigned } = block;
  const second = keys.find(({ name }) => name === countersigned?.key);
  if (second === undefined || countersigned === null) return null;
  return sameMac(countersigned.mac, counterMacOf(second.key, tenant, block));
}

/**
 * Signs every block of a tenant by the installation's newest key as well, before a former key is dropped. May be killed
 * anywhere and run again; blocks that are not as they were signed are left alone, for `verifyAudit` to name.
 * @returns how many blocks were signed.
 */
export async function countersignAudit(
  store: Pick<Store, 'db'>,
  installation: InstallationKeys,
  tenant: string,
): Promise<number> {
  const { name, key } = auditKey(installation.current, tenant);
  let signed = 0;
  for (let after: string | undefined; ;) {
    const page = await store.db.list(paths.auditBlocks(tenant), {
      limit: 100,
      ...(after === undefined ? {} : { after }),
    });
    for (const { path, data, version } of page) {
      const block = AuditBlock.safeParse(data).data;
      if (block === undefined || block.key === name || block.countersigned?.key === name) continue;
      if (isAsSigned(installation, tenant, block) !== true) continue;
      const countersigned = { key: name, mac: counterMacOf(key, tenant, block) };
      await store.db.commit([{ kind: 'update', path, data: { countersigned }, version }]);
      signed++;
    }
    after = page.at(-1)?.path;
    if (after === undefined || page.length < 100) return signed;
  }
}
