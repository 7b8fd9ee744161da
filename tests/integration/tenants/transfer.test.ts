import { gunzipSync, gzipSync } from 'node:zlib';
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { openFiles } from '#cloud/storage';
import { paths } from '#core/paths';
import type { Tenant } from '#core/tenant';
import { CARRIED } from '#core/tenant-collections';
import { TenantExport, TenantImport } from '#core/tenant-file';
import { mustRead } from '#store/document';
import { sealAudit } from '#store/audit-chain';
import { verifyAudit } from '#store/verify-audit';
import { APART, openTestStore } from '#tests/store';
import { seedTenant } from '#tests/tenant';
import { seedEstate } from '#tests/tenant-estate';
import { exportUri, removeExpired, requestExport, writeExport } from '../../../functions/tenants/export.ts';
import {
  createImport,
  failImport,
  importUri,
  runImport,
  startImport,
} from '../../../functions/tenants/import.ts';
import { useLocalCloud } from '#tests/local-cloud';

const store = openTestStore(APART);
afterAll(() => store.db.close());
beforeEach(() => (store.ahead = 0));
const { projectId, env } = useLocalCloud();
const bucket = env['TRADEWIND_BUCKET'] ?? '';
const files = openFiles(projectId);
const cloud = { projectId, location: 'europe-west1', bucket, datasetPrefix: 'tw_' };
const freshModel = () => `m${randomBytes(6).toString('hex')}`;

const Line = z.object({ path: z.string(), data: z.record(z.string(), z.unknown()) });
type Line = z.infer<typeof Line>;

async function exported(tenant: Tenant): Promise<{ text: string; lines: Line[] }> {
  const { id } = await requestExport(store, tenant.id, 'owner0');
  await writeExport(store, files, tenant, id);
  const done = (await mustRead(store, paths.export(tenant.id, id), TenantExport, 'export')).value;
  expect(done).toMatchObject({ status: 'done', failure: null });
  const text = gunzipSync(await files.readAll(exportUri(bucket, tenant.id, id))).toString();
  const [header = '', ...rest] = text.trimEnd().split('\n');
  expect(JSON.parse(header)).toMatchObject({ format: 'tradewind-tenant', tenant: tenant.id });
  const lines = rest.slice(0, -1).map((line) => Line.parse(JSON.parse(line)));
  expect(JSON.parse(rest.at(-1) ?? '')).toEqual({ end: true, documents: lines.length });
  expect(done.documents).toBe(lines.length);
  return { text, lines };
}

const datasets: string[] = [];
const warehouse = { ensureDataset: async (name: string) => void datasets.push(name) };

/** Reads `text` into a new tenant, as a person does by the API. */
async function imported(text: string | Buffer, tries = 1): Promise<{ tenant: Tenant; made: TenantImport }> {
  const tenant = await seedTenant(store, ['owner'], { cloud });
  const { id } = await createImport(store, tenant.id, 'owner0');
  const packed = typeof text === 'string' ? gzipSync(text) : text;
  await files.save(importUri(bucket, tenant.id, id), packed, 'application/gzip');
  await startImport(store, files, tenant, id, 'owner0');
  for (let attempt = 0; attempt < tries; attempt++) await runImport(store, files, warehouse, tenant, id);
  return { tenant, made: (await mustRead(store, paths.import(tenant.id, id), TenantImport, 'import')).value };
}

test('exported, imported and exported again: equal, but for what is said to differ', async () => {
  const tenant = await seedTenant(store, ['owner', 'viewer'], { cloud });
  const model = freshModel();
  await seedEstate(store, tenant, model);
  const first = await exported(tenant);
  const collections = new Set(first.lines.map(({ path }) => path.replaceAll(/\/[^/]+/g, (_, at) => `${at}`)));
  expect(collections.size).toBeGreaterThan(0);
  // Every collection that is carried has something in the file, or the test proves nothing.
  const patterns = CARRIED.map(({ path }) => new RegExp(`^${path.replaceAll('*', '[^/]+')}$`));
  expect(patterns.filter((one) => !first.lines.some(({ path }) => one.test(path)))).toEqual([]);

  const { tenant: copy, made } = await imported(first.text);
  expect(made).toMatchObject({ status: 'done', leftOut: 0, failure: null });
  expect(made.missing.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
    `member owner0@${copy.id}.example`,
    `member viewer1@${copy.id}.example`,
    'api-key Shop',
    'credentials ERP',
    'object version 1',
  ]);
  const second = await exported(copy);
  const models = await store.db.documents(paths.models(copy.id));
  expect(models).toHaveLength(1);
  const newModel = models[0]?.split('/').at(-1) ?? '?';
  expect(newModel).not.toBe(model);
  expect(datasets.filter((name) => name.includes(newModel)).sort()).toEqual([
    `tw_${copy.id}_${newModel}_features`,
    `tw_${copy.id}_${newModel}_logs`,
    `tw_${copy.id}_${newModel}_raw`,
  ]);

  const back = (lines: readonly Line[]) =>
    JSON.stringify(lines).replaceAll(copy.id, tenant.id).replaceAll(newModel, model);
  const brought = (lines: readonly Line[]) =>
    lines.filter(({ path }) => !/^(members|apiKeys|alertChannels|usage)\//.test(path));
  const own = new Set(first.lines.filter(({ path }) => path.startsWith('audit/')).map(({ path }) => path));
  // The import itself left entries in the audit of the tenant that it was made in.
  const ofFirst = (lines: readonly Line[]) =>
    lines.filter(({ path }) => !path.startsWith('audit/') || own.has(path));
  const differing = (line: Line): Line => {
    const { data } = line;
    if (line.path.startsWith('audit/')) return { ...line, data: { ...data, block: null, imported: null } };
    const of = (pattern: RegExp) => pattern.test(line.path);
    const drop = of(/^models\/[^/]+$/)
      ? ['status', 'liveDeployment', 'traffic']
      : of(/\/sources\/[^/]+$/)
        ? ['credentialsSetAt']
        : of(/\/deployments\/[^/]+$/)
          ? ['status', 'finishedAt', 'service', 'revision', 'url']
          : [];
    return {
      ...line,
      data: Object.fromEntries(Object.entries(data).filter(([name]) => !drop.includes(name))),
    };
  };
  const expected: unknown = JSON.parse(JSON.stringify(brought(first.lines).map(differing)));
  const received: unknown = JSON.parse(back(ofFirst(brought(second.lines)).map(differing)));
  expect(received).toEqual(expected);

  const restored = await store.db.get(paths.model(copy.id, newModel));
  expect(restored?.data).toMatchObject({ status: 'draft', liveDeployment: null, traffic: [] });
  const csv = await store.db.get(paths.source(copy.id, newModel, 'scsv1'));
  expect(csv?.data).toMatchObject({
    settings: { uris: [`gs://${bucket}/${copy.id}/${newModel}/uploads/u1/orders.csv`] },
  });
  expect(first.text).not.toContain('tokenHash');
});

test('killed and begun again it is the same; an entry that was sealed meanwhile is not touched', async () => {
  const tenant = await seedTenant(store, ['owner'], { cloud });
  await seedEstate(store, tenant, freshModel());
  const { text, lines } = await exported(tenant);
  const copy = await seedTenant(store, ['owner'], { cloud });
  const { id } = await createImport(store, copy.id, 'owner0');
  await files.save(importUri(bucket, copy.id, id), gzipSync(text), 'application/gzip');
  await startImport(store, files, copy, id, 'owner0');
  // Of two deliveries at once, and a third whose process dies before it says that it is done.
  const dying = {
    ...store,
    db: {
      ...store.db,
      commit: (writes: Parameters<typeof store.db.commit>[0]) =>
        writes.some(({ kind }) => kind === 'delete')
          ? Promise.reject(new Error('killed'))
          : store.db.commit(writes),
    },
  };
  await expect(runImport(dying, files, warehouse, copy, id)).rejects.toThrow('killed');
  const place = { bucket, files, installationKeys: { current: randomBytes(32), former: [] } };
  store.ahead = 60_000;
  await sealAudit(store, place, copy.id);
  await Promise.all([1, 2].map(() => runImport(store, files, warehouse, copy, id)));

  const made = (await mustRead(store, paths.import(copy.id, id), TenantImport, 'import')).value;
  const notBrought = lines.filter(({ path }) => /^(members|apiKeys|alertChannels|usage)\//.test(path)).length;
  expect(made).toMatchObject({ status: 'done', documents: lines.length - notBrought });
  expect(await verifyAudit(store, place, copy.id)).toMatchObject({ problem: null, intact: true });
  const done = await store.db.list(paths.audits(copy.id), { where: [['action', '==', 'tenant.import']] });
  expect(done).toHaveLength(1);
  await expect(createImport(store, copy.id, 'owner0')).rejects.toMatchObject({ code: 'tenant-not-empty' });
});

test('runs that are under way where they were exported are not brought, nor what belongs to them', async () => {
  const tenant = await seedTenant(store, ['owner'], { cloud });
  const model = freshModel();
  await seedEstate(store, tenant, model);
  const running = { status: 'extracting', finishedAt: null };
  await store.db.commit([{ kind: 'update', path: paths.etlRun(tenant.id, model, 'retl1'), data: running }]);
  const { tenant: copy, made } = await imported((await exported(tenant)).text);
  expect(made).toMatchObject({ status: 'done', leftOut: 1 });
  const there = (await store.db.documents(paths.models(copy.id)))[0]?.split('/').at(-1) ?? '?';
  expect(await store.db.documents(paths.etlRuns(copy.id, there))).toEqual([]);
});

test('a file that is not as an export wrote it is refused before anything is written', async () => {
  const tenant = await seedTenant(store, ['owner'], { cloud });
  const model = freshModel();
  await seedEstate(store, tenant, model);
  const { text } = await exported(tenant);
  const lines = text.trimEnd().split('\n');
  const at = (path: string) => lines.findIndex((line) => line.includes(`"path":"${path}"`));
  const modelAt = at(`models/${model}`);
  const change = (index: number, edit: (line: string) => string) =>
    lines.map((line, n) => (n === index ? edit(line) : line)).join('\n');
  const add = (line: object) => [...lines.slice(0, -1), JSON.stringify(line), lines.at(-1)].join('\n');
  const victim = await seedTenant(store, ['owner'], { cloud });

  const bad: Record<string, string | Buffer> = {
    'no gzip': Buffer.from('hello'),
    'a file cut off': gzipSync(text).subarray(0, 300),
    'no end': lines.slice(0, -1).join('\n'),
    'another end': [...lines.slice(0, -1), '{"end":true,"documents":1}'].join('\n'),
    'no header': lines.slice(1).join('\n'),
    'another version': change(0, (line) => line.replace('"version":1', '"version":2')),
    'no JSON': change(modelAt, () => '{'),
    'a path out of the tenant': add({ path: '../../operators/eve', data: {} }),
    'a path of another root': add({ path: 'models/m1234/../../x', data: {} }),
    'a collection of secrets': add({ path: 'sealed/x', data: {} }),
    'a lock': add({ path: `models/${model}/locks/etl`, data: { run: 'x' } }),
    'an id that is not the path’s': change(modelAt, (line) =>
      line.replace(`"id":"${model}"`, '"id":"mother1"'),
    ),
    'another tenant’s document': change(
      lines.findIndex((one) => one.includes('"path":"audit/')),
      (line) => line.replaceAll(tenant.id, victim.id),
    ),
    'a document twice': add(z.record(z.string(), z.unknown()).parse(JSON.parse(lines[modelAt] ?? '{}'))),
    'a document of no model': add({
      path: 'models/mnone1/versionNumbers/1',
      data: { version: 'vone1' },
    }),
    'a field that does not fit': change(modelAt, (line) => line.replace('"active"', '"glorious"')),
    'a name that JavaScript keeps to itself': change(modelAt, (line) =>
      line.replace('"data":{', '"data":{"__proto__":{"admin":true},'),
    ),
    'a line without end': `${lines[0]}\n"${'x'.repeat(3_000_000)}`,
  };
  const outcomes: Record<string, string> = {};
  for (const [name, content] of Object.entries(bad)) {
    const copy = await seedTenant(store, ['owner'], { cloud });
    const { id } = await createImport(store, copy.id, 'owner0');
    const packed = typeof content === 'string' ? gzipSync(content) : content;
    await files.save(importUri(bucket, copy.id, id), packed, 'application/gzip');
    await startImport(store, files, copy, id, 'owner0');
    outcomes[name] = await runImport(store, files, warehouse, copy, id).then(
      () => 'taken',
      (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : String(error)),
    );
    if ((await store.db.count(paths.models(copy.id))) > 0) outcomes[name] += ', and written';
  }
  expect(outcomes).toEqual(Object.fromEntries(Object.keys(bad).map((name) => [name, 'import-invalid'])));
});

test('an artifact of somebody else’s is not reached through an import', async () => {
  const tenant = await seedTenant(store, ['owner'], { cloud });
  const model = freshModel();
  await seedEstate(store, tenant, model);
  const { text } = await exported(tenant);
  const theirs = `gs://${bucket}/tvictim1/mvictim1/runs/r1/model.twa`;
  const forged = text.replace(
    `gs://${bucket}/${tenant.id}/${model}/runs/rpipe1/training-1/model.twa`,
    theirs,
  );
  expect(forged).toContain(theirs);
  const { tenant: copy } = await imported(forged);
  const there = (await store.db.documents(paths.models(copy.id)))[0]?.split('/').at(-1) ?? '?';
  const version = await store.db.get(paths.version(copy.id, there, 'vone1'));
  expect(version?.data['artifact']).toBe(`gs://${bucket}/${copy.id}/${there}/runs/unknown`);
});

test('one import at a time; a failed one says why and can be started again', async () => {
  const tenant = await seedTenant(store, ['owner'], { cloud });
  const [one, two] = [
    await createImport(store, tenant.id, 'owner0'),
    await createImport(store, tenant.id, 'owner0'),
  ];
  const early = startImport(store, files, tenant, one.id, 'owner0');
  await expect(early).rejects.toMatchObject({ code: 'object-missing' });
  for (const { id } of [one, two])
    await files.save(importUri(bucket, tenant.id, id), gzipSync('{}'), 'application/gzip');
  await startImport(store, files, tenant, one.id, 'owner0');
  const second = startImport(store, files, tenant, two.id, 'owner0');
  await expect(second).rejects.toMatchObject({ code: 'import-active' });
  await failImport(store, tenant.id, one.id, { code: 'import-invalid', message: 'no', remedy: null });
  expect(await startImport(store, files, tenant, one.id, 'owner0')).toMatchObject({ status: 'queued' });
});

test('an export’s file goes after a week; the export stays listed', async () => {
  const tenant = await seedTenant(store, ['owner'], { cloud });
  const { id } = await requestExport(store, tenant.id, 'owner0');
  await writeExport(store, files, tenant, id);
  const uri = exportUri(bucket, tenant.id, id);
  expect(await files.stat(uri)).not.toBeNull();
  store.ahead = 8 * 86_400_000;
  await removeExpired(store, files, async () => bucket);
  expect(await files.stat(uri)).toBeNull();
  const { value } = await mustRead(store, paths.export(tenant.id, id), TenantExport, 'export');
  expect(value).toMatchObject({ status: 'expired', expiresAt: null });
});
