import {
  approveVersion,
  archiveVersion,
  compareVersions,
  deleteVersion,
  getVersion,
  listAliases,
  listVersionDependents,
  listVersions,
  removeAlias,
  restoreVersion,
  setAlias,
  unarchiveVersion,
  updateVersion,
} from '#core/api/versions';
import { AuditRecord } from '#core/audit';
import { paths } from '#core/paths';
import { PipelineRun } from '#core/pipeline-run';
import { Version } from '#core/version';
import { readAll } from '#store/document';
import type { Store } from '#store/store';
import { type Account, openAccount, refusalOf } from '#tests/account';
import { openTestStore } from '#tests/store';
import { recordsOf } from '#tests/web/records';
import { set as setAliasOf } from '../../../functions/versions/aliases.ts';
import { archive, remove } from '../../../functions/versions/versions.ts';

const store = openTestStore();
let account: Account;
beforeEach(async () => {
  account = await openAccount();
});
afterAll(() => store.db.close());

/** Versions 1, 2, … of the account's model, as training runs wrote them. */
async function trained(...versions: Partial<Version>[]): Promise<Version[]> {
  const { tenant, model } = account.params;
  const records = recordsOf(tenant, model);
  const made = versions.map((facts, index) =>
    Version.parse({
      ...records.version,
      id: `vers${index + 1}`,
      number: index + 1,
      run: `rtrain${index + 1}`,
      status: 'candidate',
      createdAt: new Date(Date.UTC(2026, 10, 1 + index)).toISOString(),
      ...facts,
    }),
  );
  await store.db.commit(
    made.map((data) => ({ kind: 'create', path: paths.version(tenant, model, data.id), data })),
  );
  return made;
}
const of = (version: string) => ({ ...account.params, version });
const named = (alias: string) => ({ ...account.params, alias });

test('a candidate is approved, put away and brought back; the gate’s no is final', async () => {
  const { call } = account;
  await trained({}, { gate: { passed: false, reasons: ['discover: worse than popularity'] } });
  const approved = await call(approveVersion, { params: of('vers1') });
  expect(approved).toMatchObject({ status: 'approved', approvedBy: account.uid });
  expect((await call(approveVersion, { params: of('vers1') })).approvedAt).toBe(approved.approvedAt);
  expect(await refusalOf(call(approveVersion, { params: of('vers2') }))).toMatchObject({
    code: 'gate-refused',
    detail: expect.stringContaining('worse than popularity'),
  });
  expect(await refusalOf(call(unarchiveVersion, { params: of('vers1') }))).toMatchObject({
    status: 409,
    code: 'not-possible',
  });
  expect(await call(archiveVersion, { params: of('vers1') })).toMatchObject({ status: 'archived' });
  expect(await refusalOf(call(approveVersion, { params: of('vers1') }))).toMatchObject({
    code: 'not-possible',
  });
  expect(await call(unarchiveVersion, { params: of('vers1') })).toMatchObject({
    status: 'candidate',
    approvedAt: null,
  });

  const noted = await call(updateVersion, {
    params: of('vers1'),
    body: { description: 'Before the spring prices', labels: { season: 'spring' } },
  });
  expect(noted).toMatchObject({ description: 'Before the spring prices', labels: { season: 'spring' } });
  for (const body of [{ number: 7 }, { status: 'approved' }, { labels: { 'Not a name': 'x' } }])
    expect(await refusalOf(call(updateVersion, { params: of('vers1'), body }))).toMatchObject({
      status: 422,
    });
});

test('an alias stands at one version at a time, whoever moves it, and holds its version in place', async () => {
  const { call, params } = account;
  await trained({}, {}, {});
  expect(await call(setAlias, { params: named('champion'), body: { version: 'vers1' } })).toMatchObject({
    alias: 'champion',
    version: 'vers1',
    number: 1,
    setBy: account.uid,
  });
  await call(setAlias, { params: named('challenger'), body: { version: 'vers2' } });
  expect((await call(listVersionDependents, { params: of('vers1') })).items).toMatchObject([
    { kind: 'alias', name: 'champion', blocks: true },
  ]);
  for (const refused of [archiveVersion, deleteVersion])
    expect(await refusalOf(call(refused, { params: of('vers1') }))).toMatchObject({
      status: 409,
      code: 'in-use',
    });
  expect(
    await refusalOf(call(setAlias, { params: named('winner'), body: { version: 'vers1' } })),
  ).toMatchObject({ status: 422 });

  // Many move it at once, and somebody puts away what it may come to stand at.
  const moves = ['vers1', 'vers2', 'vers3', 'vers2', 'vers3'].map((version) =>
    call(setAlias, { params: named('champion'), body: { version } }).then(
      () => 'set',
      () => 'refused',
    ),
  );
  const away = call(archiveVersion, { params: of('vers3') }).then(
    () => 'archived',
    () => 'refused',
  );
  const archived = (await away) === 'archived';
  await Promise.all(moves);
  const { items } = await call(listAliases, { params });
  expect(items.map(({ alias }) => alias).sort()).toEqual(['challenger', 'champion']);
  const champion = items.find(({ alias }) => alias === 'champion');
  const third = await call(getVersion, { params: of('vers3') });
  expect(third.status).toBe(archived ? 'archived' : 'candidate');
  // Never both: put away, and called champion.
  expect(archived && champion?.version === 'vers3').toBe(false);

  expect(await call(removeAlias, { params: named('champion') })).toEqual({ removed: true });
  expect(await call(removeAlias, { params: named('champion') })).toEqual({ removed: false });
  const history = await readAll(store, paths.audits(params.tenant), AuditRecord, {
    where: [['target', '==', paths.alias(params.tenant, params.model, 'champion')]],
    orderBy: ['at', 'asc'],
  });
  expect(history[0]).toMatchObject({
    action: 'alias.set',
    before: null,
    after: { version: 'vers1', number: 1 },
  });
  expect(history.at(-1)).toMatchObject({ action: 'alias.remove', after: null });
  // Each move began where the former one ended.
  const steps = history.map(({ before, after }) => [before?.['version'] ?? null, after?.['version'] ?? null]);
  for (const [index, step] of steps.entries())
    expect(step[0]).toBe(index === 0 ? null : steps[index - 1]?.[1]);
});

test.each([
  ['archived', archive],
  ['deleted', remove],
])('an alias that comes to a version just before it is %s is noticed', async (_, putAway) => {
  await trained({});
  let turns = 0;
  const late: Store = {
    ...store,
    db: {
      ...store.db,
      commit: async (writes) => {
        if (turns++ === 0) await setAliasOf(store, of('vers1'), 'champion', 'somebody');
        await store.db.commit(writes);
      },
    },
  };
  await expect(putAway(late, of('vers1'), 'somebody')).rejects.toMatchObject({ code: 'in-use' });
  expect(turns).toBe(1);
  expect(await account.call(getVersion, { params: of('vers1') })).toMatchObject({
    status: 'candidate',
    deletedAt: null,
  });
});

test('versions are listed, compared, deleted and restored', async () => {
  const { call, params } = account;
  const [first, second] = await trained({ status: 'approved' }, {}, { status: 'archived' });
  if (first === undefined || second === undefined) throw new Error('not trained');
  const numbers = async (query: object) =>
    (await call(listVersions, { params, query })).items.map(({ number }) => number);
  expect(await numbers({})).toEqual([3, 2, 1]);
  expect(await numbers({ order: 'asc', limit: 2 })).toEqual([1, 2]);
  expect(await numbers({ status: 'approved' })).toEqual([1]);
  expect(await numbers({ run: 'rtrain2' })).toEqual([2]);

  const records = recordsOf(params.tenant, params.model);
  const run = records.pipeline('succeeded', ['succeeded', 'succeeded', 'succeeded', 'succeeded']);
  const thorough = { ...run.settings, training: { ...run.settings.training, trials: 99 } };
  await store.db.commit(
    [
      { id: 'rtrain1', settings: run.settings },
      { id: 'rtrain2', settings: thorough },
    ].map((facts) => ({
      kind: 'create' as const,
      path: paths.pipelineRun(params.tenant, params.model, facts.id),
      data: PipelineRun.parse({ ...run, ...facts }),
    })),
  );
  const compared = await call(compareVersions, { params, query: { left: 'vers1', right: 'vers2' } });
  expect(compared).toMatchObject({ left: { number: 1 }, right: { number: 2 }, sameWindow: true });
  expect(compared.slots.map(({ slot }) => slot)).toEqual(['reorder', 'discover']);
  expect(compared.slots[1]?.left?.metrics).toEqual(first.metrics.slots.discover?.model);
  expect(compared.settings).toEqual([
    { path: 'training.trials', left: run.settings.training.trials, right: 99 },
  ]);
  const unknown = await call(compareVersions, { params, query: { left: 'vers1', right: 'vers3' } });
  expect(unknown.settings).toBeNull();

  const deleted = await call(deleteVersion, { params: of('vers3') });
  expect(await numbers({})).toEqual([2, 1]);
  expect(await numbers({ deleted: 'only' })).toEqual([3]);
  expect(
    await refusalOf(call(setAlias, { params: named('champion'), body: { version: 'vers3' } })),
  ).toMatchObject({ status: 404 });
  expect(deleted.deletedAt).not.toBeNull();
  expect(await call(restoreVersion, { params: of('vers3') })).toMatchObject({
    deletedAt: null,
    status: 'archived',
  });
});
