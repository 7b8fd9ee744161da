import { randomBytes } from 'node:crypto';
import type { Write } from '#cloud/firestore';
import { AuditBlock } from '#core/audit';
import { paths } from '#core/paths';
import {
  type AuditPlace,
  auditKey,
  countersignAudit,
  headUri,
  macOf,
  sealAudit,
  sealAudits,
} from '#store/audit-chain';
import { auditWrite } from '#store/store';
import { verifyAudit } from '#store/verify-audit';
import { freshTenant, openTestStore } from '#tests/store';

// Sealing everybody's entries, these tests must meet nobody else's: the key is their own.
const store = openTestStore('demo-audited');
afterAll(() => store.db.close());
beforeEach(() => (store.ahead = 0));

/** Cloud Storage as far as the chain asks for it. */
function bucketOf(): AuditPlace['files'] & { objects: Map<string, string> } {
  const objects = new Map<string, string>();
  return {
    objects,
    save: async (uri, data) => void objects.set(uri, String(data)),
    readAll: async (uri) => Buffer.from(objects.get(uri) ?? ''),
    stat: async (uri) => (objects.has(uri) ? { uri, bytes: 1, generation: '1' } : null),
  };
}
const files = bucketOf();
const place: AuditPlace = {
  bucket: 'b',
  files,
  installationKeys: { current: randomBytes(32), former: [] },
};
const commit = (...writes: Write[]) => store.db.commit(writes);
const verify = (tenant: string) => verifyAudit(store, place, tenant);

/** Three blocks of three entries each, sealed a minute apart, and one entry that no block holds yet. */
async function sealedTenant(): Promise<string> {
  const tenant = freshTenant();
  const note = (n: number) =>
    auditWrite(store, {
      tenant,
      actor: 'u1',
      action: 'model.update',
      target: `models/m${n}`,
      before: { name: 'a', n },
      after: { n, name: 'b' },
    });
  for (let block = 0; block < 3; block++) {
    await commit(note(1), note(2), note(3));
    store.ahead += 60_000;
    expect(await sealAudit(store, place, tenant)).toBe(1);
  }
  await commit(note(4));
  return tenant;
}
const entriesOf = async (tenant: string, block: number | null) =>
  store.db.list(paths.audits(tenant), { where: [['block', '==', block]] });
const blockOf = async (tenant: string, number: number) =>
  AuditBlock.parse((await store.db.get(paths.auditBlock(tenant, number)))?.data);

test('what was sealed is intact, and says how much of it there is', async () => {
  const tenant = await sealedTenant();
  expect(await verify(tenant)).toEqual({
    intact: true,
    problem: null,
    blocks: 3,
    entries: 9,
    unsealed: 1,
    next: null,
  });
  // Piece by piece it comes to the same.
  const first = await verifyAudit(store, place, tenant, 1, 2);
  expect(first).toMatchObject({ intact: true, blocks: 2, next: 3 });
  expect(await verifyAudit(store, place, tenant, 3, 2)).toMatchObject({
    intact: true,
    blocks: 1,
    next: null,
  });
});

/** What somebody who can write to the database does; and what is said of it. */
type Tampering = readonly [name: string, kind: string, tamper: (tenant: string) => Promise<unknown>];
const first = async (tenant: string, block: number) => (await entriesOf(tenant, block))[0]?.path ?? '';
const edit = (path: string, data: object): Write => ({ kind: 'update', path, data });
const setEntry = (field: string, value: unknown) => async (tenant: string) =>
  commit(edit(await first(tenant, 2), { [field]: value }));
const setBlock = (number: number, data: object) => (tenant: string) =>
  commit(edit(paths.auditBlock(tenant, number), data));
const removeBlock = (number: number) => async (tenant: string) =>
  commit(
    { kind: 'delete', path: paths.auditBlock(tenant, number) },
    ...(await entriesOf(tenant, number)).map(({ path }) => ({ kind: 'delete' as const, path })),
  );
const insert = (fields: object) => (tenant: string) =>
  commit({
    kind: 'create',
    path: paths.audit(tenant, 'aforged'),
    data: { id: 'aforged', tenant, at: '2026-01-01T00:00:00.000Z', actor: 'u2', action: 'x.y', ...fields },
  });

const TAMPERINGS: readonly Tampering[] = [
  ['another actor', 'entry-changed', setEntry('actor', 'u2')],
  ['another moment', 'entry-changed', setEntry('at', '2026-01-01T00:00:00.000Z')],
  ['another action', 'entry-changed', setEntry('action', 'model.read')],
  ['another target', 'entry-changed', setEntry('target', 'models/m9')],
  ['another outcome', 'entry-changed', setEntry('outcome', 'denied')],
  ['another former state', 'entry-changed', setEntry('before', { name: 'z', n: 1 })],
  ['another later state', 'entry-changed', setEntry('after', null)],
  ['another request', 'entry-changed', setEntry('requestId', 'r-1')],
  ['a field more', 'entry-changed', setEntry('note', 'all fine')],
  ['an entry moved to another block', 'entry-inserted', setEntry('block', 1)],
  ['an entry taken out of its block', 'entry-changed', setEntry('block', null)],
  [
    'an entry removed',
    'entry-removed',
    async (tenant) => commit({ kind: 'delete', path: await first(tenant, 2) }),
  ],
  [
    'an entry put in another’s place',
    'entry-changed',
    async (tenant) => {
      const [one, two] = await entriesOf(tenant, 2);
      await commit({ kind: 'set', path: one?.path ?? '', data: two?.data ?? {} });
    },
  ],
  ['an entry put into a block', 'entry-inserted', insert({ block: 2 })],
  ['an entry put beyond the last block', 'entry-inserted', insert({ block: 99 })],
  ['an entry whose mark is no number', 'entry-inserted', insert({ block: 'two' })],
  ['an entry without a mark', 'entry-inserted', insert({})],
  [
    'an entry written now that tells of then',
    'entry-backdated',
    async (tenant) => {
      await insert({ block: null })(tenant);
      store.ahead += 60_000;
      await sealAudit(store, place, tenant);
    },
  ],
  ['the first block removed', 'block-removed', removeBlock(1)],
  ['a block in the middle removed', 'block-removed', removeBlock(2)],
  ['the last block removed with its entries', 'end-removed', removeBlock(3)],
  [
    'everything removed',
    'end-removed',
    async (tenant) => {
      for (const number of [1, 2, 3]) await removeBlock(number)(tenant);
    },
  ],
  ['a block’s moment changed', 'block-changed', setBlock(2, { sealedAt: '2026-01-01T00:00:00.000Z' })],
  ['a block’s number changed', 'block-changed', setBlock(2, { number: 3 })],
  ['a block’s entries changed', 'block-changed', setBlock(2, { entries: [{ id: 'a', hash: 'b' }] })],
  ['a block’s signature changed', 'block-changed', setBlock(2, { mac: 'f'.repeat(64) })],
  ['the chain cut', 'block-changed', setBlock(2, { previous: '' })],
  ['a block that is none', 'block-changed', setBlock(2, { entries: 'none' })],
  [
    'two blocks swapped',
    'block-changed',
    async (tenant) => {
      const [one, two] = [await blockOf(tenant, 1), await blockOf(tenant, 2)];
      await commit(
        { kind: 'set', path: paths.auditBlock(tenant, 1), data: two },
        { kind: 'set', path: paths.auditBlock(tenant, 2), data: one },
      );
    },
  ],
  [
    'an entry and its hash changed, the block signed by a key of one’s own',
    'key-unknown',
    async (tenant) => {
      const block = await blockOf(tenant, 3);
      const { key, name } = auditKey(randomBytes(32), tenant);
      const forged = { ...block, key: name };
      const data = { ...forged, mac: macOf(key, tenant, forged) };
      await commit({ kind: 'set', path: paths.auditBlock(tenant, 3), data });
    },
  ],
  [
    'a block put behind the last',
    'block-changed',
    async (tenant) => {
      const block = await blockOf(tenant, 3);
      await commit({
        kind: 'create',
        path: paths.auditBlock(tenant, 4),
        data: { ...block, number: 4, previous: block.mac },
      });
    },
  ],
  [
    'a document among the blocks',
    'block-inserted',
    (tenant) => commit({ kind: 'create', path: `${paths.auditBlocks(tenant)}/extra`, data: { number: 0 } }),
  ],
  [
    'the blocks of another tenant',
    'key-unknown',
    async (tenant) => {
      const other = await sealedTenant();
      await commit({ kind: 'set', path: paths.auditBlock(tenant, 1), data: await blockOf(other, 1) });
    },
  ],
  ['the second record removed', 'end-removed', async (tenant) => files.objects.delete(headUri('b', tenant))],
];

test(`each of ${TAMPERINGS.length} ways to tamper is found, and named for what it is`, async () => {
  const found = await Promise.all(
    TAMPERINGS.map(async ([name, , tamper]) => {
      const tenant = await sealedTenant();
      await tamper(tenant);
      const { intact, problem } = await verify(tenant);
      return [name, intact ? 'nothing' : problem?.kind];
    }),
  );
  expect(found).toEqual(TAMPERINGS.map(([name, kind]) => [name, kind]));
});

test('sealers at the same moment make one chain; one killed before its second record is made up for', async () => {
  const tenant = freshTenant();
  const entry = { tenant, actor: 'u1', action: 'a.b', target: 't' };
  await commit(...Array.from({ length: 30 }, () => auditWrite(store, entry)));
  store.ahead += 60_000;
  const dying: AuditPlace = {
    ...place,
    files: { ...files, save: () => Promise.reject(new Error('killed')) },
  };
  const results = await Promise.allSettled(
    [place, dying, place, place, dying].map((one) => sealAudit(store, one, tenant)),
  );
  expect(results.some(({ status }) => status === 'fulfilled')).toBe(true);
  expect(await verify(tenant)).toMatchObject({ intact: true, entries: 30, unsealed: 0 });
  await commit(auditWrite(store, entry));
  store.ahead += 60_000;
  await sealAudits(store, place);
  expect(await verify(tenant)).toMatchObject({ intact: true, entries: 31, unsealed: 0 });
});

test('a backlog of many entries becomes many blocks, the oldest first', async () => {
  const tenant = freshTenant();
  for (let batch = 0; batch < 2; batch++)
    await commit(
      ...Array.from({ length: 450 }, () =>
        auditWrite(store, { tenant, actor: 'u1', action: 'a.b', target: 't' }),
      ),
    );
  store.ahead += 60_000;
  expect(await sealAudit(store, place, tenant)).toBe(3);
  expect(await verify(tenant)).toMatchObject({ intact: true, blocks: 3, entries: 900 });
});

test('a tenant with a long backlog of old entries keeps nobody else from being sealed', async () => {
  const [flooding, other] = [freshTenant(), freshTenant()];
  // More than one look discovers, all older than what the other tenant has.
  for (let batch = 0; batch < 5; batch++)
    await commit(
      ...Array.from({ length: 450 }, () => {
        const write = auditWrite(store, { tenant: flooding, actor: 'u1', action: 'a.b', target: 't' });
        if (write.kind !== 'create') throw new Error('an entry is created');
        return { ...write, data: { ...write.data, at: '2020-01-01T00:00:00.000Z', imported: 'i1' } };
      }),
    );
  await commit(auditWrite(store, { tenant: other, actor: 'u1', action: 'a.b', target: 't' }));
  store.ahead += 60_000;
  const { failures } = await sealAudits(store, place);
  expect(failures).toEqual([]);
  expect(await verify(other)).toMatchObject({ intact: true, entries: 1, unsealed: 0 });
  expect(await verify(flooding)).toMatchObject({ intact: true, blocks: 6, unsealed: 0 });
});

test('the installation’s key can be rotated: countersigned, the chain holds without the former key', async () => {
  const tenant = await sealedTenant();
  const [former, current] = [place.installationKeys.current, randomBytes(32)];
  const rotating = { ...place, installationKeys: { current, former: [former] } };
  const rotated = { ...place, installationKeys: { current, former: [] } };
  expect(await verifyAudit(store, rotating, tenant)).toMatchObject({ intact: true });
  expect(await verifyAudit(store, rotated, tenant)).toMatchObject({ problem: { kind: 'key-unknown' } });

  expect(await countersignAudit(store, rotating.installationKeys, tenant)).toBe(3);
  expect(await countersignAudit(store, rotating.installationKeys, tenant)).toBe(0);
  store.ahead += 60_000;
  await sealAudit(store, rotated, tenant);
  expect(await verifyAudit(store, rotated, tenant)).toMatchObject({ intact: true, blocks: 4, entries: 10 });
  await setBlock(2, { sealedAt: '2026-01-01T00:00:00.000Z' })(tenant);
  expect(await verifyAudit(store, rotated, tenant)).toMatchObject({ problem: { kind: 'block-changed' } });
});
