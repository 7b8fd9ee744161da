import type { Snapshot } from '#cloud/firestore';
import { AuditBlock, type AuditProblem, type AuditVerification } from '#core/audit';
import { paths } from '#core/paths';
import { type AuditPlace, hashEntry, isAsSigned, readHead, sameMac } from './audit-chain.ts';
import type { Store } from './store.ts';

/** Blocks looked at in one call. */
export const BLOCKS_A_CALL = 50;

/** Blocks whose entries are read at the same time. */
const WIDTH = 8;

/** An entry that tells of a moment so long before the block before it was sealed was not written then. */
const LATE_SECONDS = 900;

/**
 * Looks through a tenant's audit from block `from` on and names the first thing that is not as it was sealed. Called again
 * with `next`, it goes on; only the call that reaches the end sees what is missing there and what belongs to no block.
 */
export async function verifyAudit(
  store: Pick<Store, 'db'>,
  place: AuditPlace,
  tenant: string,
  from = 1,
  atMost = BLOCKS_A_CALL,
): Promise<AuditVerification> {
  const found = await store.db.list(paths.auditBlocks(tenant), {
    where: [['__name__', '>=', blockId(Math.max(1, from - 1))]],
    limit: atMost + 2,
  });
  const anchor = from > 1 ? found.shift() : undefined;
  const more = found.length > atMost;
  const looked = found.slice(0, atMost);
  let before: AuditBlock | null = null;
  let entries = 0;
  const verdict = (problem: AuditProblem | null, blocks: number, next: number | null, unsealed = 0) => ({
    intact: problem === null,
    problem,
    blocks,
    entries,
    unsealed,
    next,
  });

  if (from > 1) {
    const checked = checkBlock(place, tenant, anchor, from - 1, null);
    if ('problem' in checked) return verdict(checked.problem, 0, null);
    before = checked.block;
  }
  const first = before;
  const blocks: AuditBlock[] = [];
  for (const [index, one] of looked.entries()) {
    const checked = checkBlock(place, tenant, one, from + index, before);
    if ('problem' in checked) return verdict(checked.problem, index, null);
    blocks.push(checked.block);
    before = checked.block;
  }
  for (let done = 0; done < blocks.length; done += WIDTH) {
    const group = blocks.slice(done, done + WIDTH);
    const problems = await Promise.all(group.map((block) => checkEntries(store, tenant, block)));
    const problem = problems.find((one) => one !== null) ?? null;
    entries += group.reduce((sum, block) => sum + block.entries.length, 0);
    if (problem !== null) return verdict(problem, done, null);
  }
  const backdated = await findBackdated(store, tenant, first === null ? blocks : [first, ...blocks]);
  if (backdated !== null) return verdict(backdated, blocks.length, null);
  const next = from + blocks.length;
  if (more) return verdict(null, blocks.length, next);
  const { problem, unsealed } = await checkEnd(store, place, tenant, before);
  // What looked odd at the end may be a block that was sealed meanwhile: then this was not the end.
  const grown = problem !== null && (await store.db.get(paths.auditBlock(tenant, next))) !== null;
  return grown ? verdict(null, blocks.length, next) : verdict(problem, blocks.length, null, unsealed);
}

type Checked = { readonly block: AuditBlock } | { readonly problem: AuditProblem };

/** Whether a document is the block of this number, signed by a key of ours, and follows on the block before. */
function checkBlock(
  place: AuditPlace,
  tenant: string,
  found: Snapshot | undefined,
  number: number,
  before: AuditBlock | null,
): Checked {
  const wrong = (kind: AuditProblem['kind'], message: string): Checked => ({
    problem: { kind, block: number, entry: null, message },
  });
  if (found !== undefined && !/^b\d{10}$/.test(found.id))
    return wrong('block-inserted', `There is a block "${found.id}" too many.`);
  if (found?.id !== blockId(number)) return wrong('block-removed', `Block ${number} is missing.`);
  const parsed = AuditBlock.safeParse(found.data);
  if (!parsed.success) return wrong('block-changed', `Block ${number} is no block any more.`);
  const block = parsed.data;
  const asSigned = isAsSigned(place.installationKeys, tenant, block);
  if (asSigned === null)
    return wrong(
      'key-unknown',
      `Block ${number} was signed by a key that this installation does not have (any more).`,
    );
  if (block.number !== number || !asSigned)
    return wrong('block-changed', `Block ${number} is not as it was signed.`);
  const follows = before === null ? number > 1 || block.previous === '' : block.previous === before.mac;
  return follows ? { block } : wrong('block-changed', `Block ${number} does not follow on the one before.`);
}

/** Whether the block's entries are there as they were sealed, and no others that say they are its. */
async function checkEntries(
  store: Pick<Store, 'db'>,
  tenant: string,
  block: AuditBlock,
): Promise<AuditProblem | null> {
  const [sealed, marked] = await Promise.all([
    store.db.getAll(block.entries.map(({ id }) => paths.audit(tenant, id))),
    store.db.list(paths.audits(tenant), { where: [['block', '==', block.number]], limit: 1000 }),
  ]);
  const problem = (kind: AuditProblem['kind'], entry: string, message: string): AuditProblem => ({
    kind,
    block: block.number,
    entry,
    message,
  });
  for (const [index, { id, hash }] of block.entries.entries()) {
    const found = sealed[index];
    if (found === null || found === undefined)
      return problem('entry-removed', id, `Entry ${id} of block ${block.number} is missing.`);
    if (hashEntry(found.data) !== hash || found.data['block'] !== block.number)
      return problem('entry-changed', id, `Entry ${id} of block ${block.number} is not as it was sealed.`);
  }
  const known = new Set(block.entries.map(({ id }) => id));
  const extra = marked.find(({ id }) => !known.has(id));
  return extra === undefined
    ? null
    : problem('entry-inserted', extra.id, `Entry ${extra.id} was never part of block ${block.number}.`);
}

/** An entry that was sealed long after the moment it tells of: written later, and made to look old. */
async function findBackdated(
  store: Pick<Store, 'db'>,
  tenant: string,
  blocks: readonly AuditBlock[],
): Promise<AuditProblem | null> {
  for (const [index, block] of blocks.entries()) {
    const before = blocks[index - 1];
    if (before === undefined) continue;
    const oldest = new Date(Date.parse(before.sealedAt) - LATE_SECONDS * 1000).toISOString();
    const found = await store.db.list(paths.audits(tenant), {
      where: [
        ['block', '==', block.number],
        ['at', '<', oldest],
      ],
      orderBy: ['at', 'asc'],
      limit: 1000,
    });
    // What an import brought is old by right.
    const entry = found.find(({ data }) => (data['imported'] ?? null) === null);
    if (entry !== undefined)
      return {
        kind: 'entry-backdated',
        block: block.number,
        entry: entry.id,
        message: `Entry ${entry.id} tells of ${entry.data['at']} and came only after ${before.sealedAt}.`,
      };
  }
  return null;
}

/** What only the end shows: blocks or entries beyond it, and the second record of the last block. */
async function checkEnd(
  store: Pick<Store, 'db'>,
  place: AuditPlace,
  tenant: string,
  last: AuditBlock | null,
): Promise<{ problem: AuditProblem | null; unsealed: number }> {
  const number = last?.number ?? 0;
  const [head, unsealed, blocks, total] = await Promise.all([
    readHead(place, tenant),
    store.db.count(paths.audits(tenant), { where: [['block', '==', null]] }),
    store.db.count(paths.auditBlocks(tenant)),
    store.db.count(paths.audits(tenant)),
  ]);
  const wrong = (kind: AuditProblem['kind'], message: string, entry: string | null = null) => ({
    problem: { kind, block: number, entry, message },
    unsealed,
  });
  if (head !== null && head.number > number)
    return wrong('end-removed', `Block ${head.number} was sealed, and the last one there is ${number}.`);
  if ((head === null && number > 1) || (head !== null && head.number < number - 1))
    return wrong('end-removed', `The second record of the last block names ${head?.number ?? 'none'}.`);
  if (head !== null && head.number === number && last !== null && !sameMac(head.mac, last.mac))
    return wrong('block-changed', `Block ${number} is not the one that was sealed.`);
  if (blocks !== number) return wrong('block-inserted', `There are ${blocks} blocks; the last is ${number}.`);
  const sealed = await store.db.count(paths.audits(tenant), {
    where: [
      ['block', '>=', 1],
      ['block', '<=', number],
    ],
  });
  // Each block's own entries were found before: whatever else is there was put in.
  const stray = total === unsealed + sealed ? null : await findStray(store, tenant, number);
  // None: something was written while we counted.
  if (stray !== null) return wrong('entry-inserted', `Entry ${stray} belongs to no block.`, stray);
  return { problem: null, unsealed };
}

/** The first entry whose mark is neither null nor a block's number. */
async function findStray(store: Pick<Store, 'db'>, tenant: string, last: number): Promise<string | null> {
  for (let after: string | undefined; ;) {
    const page = await store.db.list(paths.audits(tenant), {
      limit: 500,
      ...(after === undefined ? {} : { after }),
    });
    const stray = page.find(({ data }) => {
      const mark: unknown = data['block'];
      return mark !== null && !(typeof mark === 'number' && mark >= 1 && mark <= last);
    });
    if (stray !== undefined) return stray.id;
    after = page.at(-1)?.path;
    if (after === undefined || page.length < 500) return null;
  }
}

function blockId(number: number): string {
  return paths.auditBlock('-', number).split('/').at(-1) ?? '';
}
