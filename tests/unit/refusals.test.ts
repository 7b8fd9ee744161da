/** Refusals that no other test brings about: each by the function that says it, on records in memory. */
import { PassThrough } from 'node:stream';
import { deflateRawSync } from 'node:zlib';
import type { Person } from '#cloud/auth';
import { ConflictError } from '#cloud/firestore';
import { AlertChannel, AlertDelivery } from '#core/alert';
import { Cleaning } from '#core/dataset';
import { Deployment, newDeployment } from '#core/deployment';
import { EtlRun } from '#core/etl-run';
import { paths } from '#core/paths';
import { DeploymentSettings } from '#core/pipeline-config';
import { Firing, Schedule } from '#core/schedule';
import { Source, SourceTable } from '#core/source';
import { Tenant } from '#core/tenant';
import { newVersion, Version } from '#core/version';
import { readBody } from '#runtime/request-body';
import { mustRead } from '#store/document';
import { requestDeployment } from '#store/deployment';
import { type MemoryStore, memoryStore } from '#tests/memory-store';
import { nothingMeasured } from '#tests/metrics';
import { changeChannel, rotateSecret } from '../../functions/alerts/channels.ts';
import { deliver } from '../../functions/alerts/deliver.ts';
import { bringUp } from '../../functions/deployments/bring-up.ts';
import { loadVersion } from '../../functions/deployments/load-version.ts';
import { accept, invite } from '../../functions/members/invitations.ts';
import { reactivate, suspend } from '../../functions/operator/tenants.ts';
import { stopAndWrite } from '../../functions/pipelines/end-early.ts';
import { concludeTraining } from '../../functions/pipelines/conclude-training.ts';
import { deployment } from '../../functions/pipelines/deployment.ts';
import type { StageContext } from '../../functions/pipelines/run-context.ts';
import { concludeRun } from '../../functions/schedules/conclude.ts';
import { fireByRequest } from '../../functions/schedules/fire.ts';
import { changeTable } from '../../functions/sources/tables.ts';
import { signUp } from '../../functions/tenants/tenants.ts';
import { addressOf } from '../../functions/tenants/transfer.ts';
import { set as setAlias } from '../../functions/versions/aliases.ts';
import { createHash } from 'node:crypto';

const AT = '2026-06-01T00:00:00.000Z';
const edited = { createdAt: AT, updatedAt: AT, deletedAt: null };
const at = { tenant: 'tabc', model: 'mabc' };
const keys = { current: new Uint8Array(32).fill(9), former: [] };
const cloud = { projectId: 'p', location: 'EU', bucket: 'b', datasetPrefix: 'tw_' };
const tenant = Tenant.parse({
  id: at.tenant,
  name: 'Acme',
  plan: 'trial',
  status: 'active',
  cloud,
  ...edited,
});
const model = { id: at.model, name: 'M', description: '', status: 'active', liveDeployment: null, ...edited };

let store: MemoryStore;
beforeEach(() => {
  store = memoryStore();
  store.seed(paths.tenant(at.tenant), { ...tenant });
  store.seed(paths.model(at.tenant, at.model), model);
});

const METRICS = nothingMeasured(AT);
const versionOf = (id: string, status: Version['status']): Version =>
  newVersion({
    id,
    number: 1,
    run: 'rabc',
    status,
    artifact: 'gs://b/model',
    sha256: 'x',
    bytes: 1,
    metrics: METRICS,
    gate: { passed: true, reasons: [] },
    createdAt: AT,
  });

test('a record of another version is named, and nothing is guessed of it', async () => {
  store.seed(paths.tenant('tnew'), { id: 'tnew', name: 7 });
  await expect(mustRead(store, paths.tenant('tnew'), Tenant, 'tenant')).rejects.toMatchObject({
    code: 'record-unreadable',
    message: expect.stringContaining('tenants/tnew'),
  });
});

test('an invitation that somebody has accepted lets nobody else in', async () => {
  const mia: Person = { uid: 'mia', email: 'mia@example.com', emailVerified: true };
  const people = { byUid: async (uid: string) => ({ ...mia, uid }), byEmail: async () => null };
  const owner = { uid: 'boss', email: 'boss@example.com', role: 'owner', tenant: at.tenant, addedAt: AT };
  store.seed(paths.member(at.tenant, 'boss'), owner);
  const by = { tenant: at.tenant, actor: 'boss', email: 'boss@example.com', role: 'owner' as const };
  const { token } = await invite(store, tenant, by, { email: 'mia@example.com', role: 'editor' });
  await accept(store, people, 'mia', token);
  await expect(accept(store, people, 'mia2', token)).rejects.toMatchObject({ code: 'invitation-used' });
});

test('an operator neither suspends nor lets in a tenant that is deleted', async () => {
  store.seed(paths.tenant(at.tenant), { ...tenant, status: 'deleted', deletedAt: AT });
  const refusal = { code: 'tenant-deleted', remedy: expect.stringContaining('Restore') };
  await expect(suspend(store, at.tenant, 'op', 'unpaid')).rejects.toMatchObject(refusal);
  await expect(reactivate(store, at.tenant, 'op')).rejects.toMatchObject(refusal);
});

test('nobody owns more tenants than are given to one person', async () => {
  for (let n = 0; n < 20; n++)
    store.seed(paths.member(`town${n}`, 'mia'), {
      uid: 'mia',
      email: null,
      role: 'owner',
      tenant: `town${n}`,
      addedAt: AT,
    });
  await expect(signUp(store, {} as never, { uid: 'mia' } as never, 'One more')).rejects.toMatchObject({
    code: 'too-many-tenants',
    message: expect.stringContaining('20'),
  });
});

test('an export that is not done, or is gone, has no address', async () => {
  const record = {
    id: 'xabc',
    requestedBy: 'u',
    createdAt: AT,
    finishedAt: null,
    expiresAt: null,
    documents: null,
    bytes: null,
    failure: null,
  };
  for (const [status, remedy] of [
    ['queued', 'Wait'],
    ['expired', 'Ask for a new'],
  ] as const) {
    store.seed(paths.export(at.tenant, 'xabc'), { ...record, status });
    await expect(addressOf(store, { projectId: 'p' }, tenant, 'xabc')).rejects.toMatchObject({
      code: 'export-not-there',
      remedy: expect.stringContaining(remedy),
    });
  }
});

describe('alerts', () => {
  const webhook = { kind: 'webhook', host: 'hooks.example.com', secretSetAt: AT, formerUntil: null } as const;
  const channel = AlertChannel.parse({
    id: 'cabc',
    name: 'Ops',
    model: null,
    enabled: true,
    target: webhook,
    createdBy: 'u',
    ...edited,
  });
  const message = {
    id: 'aabc',
    type: 'alert.failed',
    tenant: at.tenant,
    model: null,
    subject: null,
    at: AT,
    evidence: null,
    cause: null,
  };
  const put = (changes: Partial<AlertChannel>) =>
    store.seed(paths.alertChannel(at.tenant, channel.id), { ...channel, ...changes });
  const key = { tenant: at.tenant, channel: channel.id };

  async function failureOf(): Promise<unknown> {
    const delivery = AlertDelivery.parse({
      id: 'dabc', channel: channel.id, member: null, message, status: 'pending', attempts: [], tries: 0, nextAt: AT, createdAt: AT, finishedAt: null,
    }); // prettier-ignore
    store.seed(paths.alertDelivery(at.tenant, delivery.id), { ...delivery });
    const done = await deliver(store, { keys, mailer: null } as never, at.tenant, delivery.id);
    return { status: done?.status, code: done?.attempts[0]?.failure?.code };
  }

  test('nothing is sent to a channel that was removed, has lost what is sealed of it, or was turned off', async () => {
    expect(await failureOf()).toEqual({ status: 'failed', code: 'channel-gone' });
    put({});
    expect(await failureOf()).toEqual({ status: 'failed', code: 'channel-gone' });
    put({ enabled: false });
    expect(await failureOf()).toEqual({ status: 'failed', code: 'channel-off' });
  });

  test('a channel stays what it is', async () => {
    put({});
    const target = { kind: 'email' as const, members: ['u'] };
    await expect(changeChannel(store, {} as never, key, 'u', { target })).rejects.toMatchObject({
      code: 'target-kind',
    });
    put({ target });
    await expect(rotateSecret(store, {} as never, key, 'u', 1)).rejects.toMatchObject({
      code: 'target-kind',
    });
  });
});

test('a schedule of a model that is deleted starts nothing, and says so', async () => {
  store.seed(paths.model(at.tenant, at.model), { ...model, deletedAt: AT });
  const when = { kind: 'daily', at: '06:00', timeZone: 'UTC' };
  const schedule = Schedule.parse({
    id: 'sabc', name: 'Daily', what: { kind: 'etl' }, when, paused: false, createdBy: 'u', since: AT, lastSlot: null, nextDue: null, lastFiredAt: null, lastRun: null, ...edited,
  }); // prettier-ignore
  store.seed(paths.schedule(at.tenant, at.model, schedule.id), { ...schedule });
  const firing: Firing = await fireByRequest(store, { ...at, schedule: schedule.id }, 'fabc', 'u');
  expect(firing).toMatchObject({ status: 'skipped', reason: { code: 'model-deleted' } });
});

test('a column that a data set reads is not left out', async () => {
  const place = { kind: 'postgres', host: 'db', port: 5432, database: 'd', user: 'u', sslMode: 'prefer' };
  const source = Source.parse({
    id: 'sabc',
    name: 'Shop',
    settings: place,
    credentialsSetAt: null,
    enabled: true,
    ...edited,
  });
  store.seed(paths.source(at.tenant, at.model, source.id), { ...source });
  const columns = ['customer', 'item', 'at', 'note'].map((name) => ({
    name,
    type: 'STRING',
    nullable: true,
    sourceType: 'text',
  }));
  const table = SourceTable.parse({
    id: 'tabc', source: source.id, name: 'lines', columns, key: null, estimatedRows: null, enabled: true,
    mode: 'replace', cursor: null, destination: 'lines', rejectLimit: 0, discoveredAt: AT,
  }); // prettier-ignore
  store.seed(paths.sourceTable(at.tenant, at.model, source.id, table.id), { ...table });
  const of = (column: string) => ({ table: 'lines', column });
  const dataset = {
    id: 'dabc',
    name: 'Lines',
    tables: [{ alias: 'lines', destination: 'lines' }],
    joins: [],
    roles: { customer: of('customer'), item: of('item'), time: of('at') },
    cleaning: Cleaning.parse({}),
    ...edited,
  };
  store.seed(`${paths.datasets(at.tenant, at.model)}/dabc`, dataset);
  const change = (excluded: string[]) =>
    changeTable(store, { ...at, source: source.id, table: table.id }, 'u', { excluded });
  await expect(change(['item'])).rejects.toMatchObject({
    code: 'column-in-use',
    message: 'The column "item" of "lines" is read by the data set "Lines".',
  });
  expect(await change(['note'])).toMatchObject({ excluded: ['note'] });
});

test('a version that is archived neither gets an alias nor is deployed', async () => {
  const archived = versionOf('vabc', 'archived');
  store.seed(paths.version(at.tenant, at.model, archived.id), { ...archived });
  await expect(setAlias(store, { ...at, version: archived.id }, 'champion', 'u')).rejects.toMatchObject({
    code: 'version-archived',
  });
  await expect(
    requestDeployment(store, { ...at, id: 'dabc', version: archived } as never),
  ).rejects.toMatchObject({
    code: 'version-archived',
  });
});

test('version numbers that others take again and again are waited for', async () => {
  const bytes = Buffer.from('model');
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const files = { read: async function* () { yield bytes; } }; // prettier-ignore
  const conflicting = {
    ...store,
    db: { ...store.db, commit: () => Promise.reject(new ConflictError('conflict', 'taken')) },
  };
  const context = { ids: { ...at, run: 'rabc' }, tenant, attempt: 1, files, store: conflicting };
  const result = {
    ok: true,
    sha256,
    bytes: bytes.length,
    metrics: null,
    gate: { passed: true, reasons: [], checks: [] },
  };
  await expect(concludeTraining(context as never, result as never)).rejects.toMatchObject({
    code: 'version-numbers-busy',
    name: 'TransientError',
  });
});

test('a run whose deployment a person has stopped says so', async () => {
  const made = newDeployment({
    id: 'dabc', version: 'vabc', run: 'rabc', requestedBy: 'u', settings: DeploymentSettings.parse({}), createdAt: AT,
  }); // prettier-ignore
  store.seed(paths.deployment(at.tenant, at.model, 'dabc'), {
    ...Deployment.parse({ ...made, status: 'stopped' }),
  });
  const context = { ids: { ...at, run: 'rabc' }, store } as unknown as StageContext;
  expect(await deployment.advance(context)).toMatchObject({
    state: 'failed',
    failure: { code: 'deployment-stopped', remedy: 'Deploy the version again.' },
  });
});

test('a revision that is not ready in the time that one may take is given up', async () => {
  const starting = { newest: 'r1', ready: false, failure: null, tags: {}, tagUrls: {}, traffic: {} };
  const platform = {
    revision: async () => ({ ready: false, failure: null }),
    service: async () => ({ ...starting, tags: { next: 'r1' } }),
    direct: async () => undefined,
  };
  const scene = { platform, service: 'tw-m', store, guard: async () => undefined, ids: at };
  const wanted = { name: 'r1', speaksAs: 'dabc', settings: DeploymentSettings.parse({}), since: AT };
  await expect(bringUp(scene as never, wanted)).rejects.toMatchObject({
    code: 'revision-not-ready',
    message: expect.stringContaining('600 seconds'),
  });
});

test('a model whose file is another than was approved is not served', async () => {
  const another = deflateRawSync('another model');
  const files = {
    stat: async () => ({ uri: 'gs://b/model', bytes: another.length, generation: '1' }),
    read: async function* () {
      yield another;
    },
  };
  const env = { TRADEWIND_ARTIFACT: 'gs://b/model', TRADEWIND_ARTIFACT_SHA256: 'a'.repeat(64) };
  await expect(loadVersion(files as never, env)).rejects.toMatchObject({
    code: 'artifact-changed',
    message: expect.stringContaining('gs://b/model has SHA-256'),
  });
});

test('a request that breaks off has no body', async () => {
  const request = Object.assign(new PassThrough(), { headers: { 'content-length': '100' } });
  const body = readBody(request as never);
  request.write('{"name": "half');
  request.destroy();
  await expect(body).rejects.toMatchObject({ code: 'request-aborted', name: 'TransientError' });
});

test('a run that left tables out and has no failure of its own is told as one that failed', async () => {
  const failure = null;
  const run = EtlRun.parse({
    id: 'rabc', status: 'partial', requestedBy: 'u', tables: 2, counts: { rows: 0, bytes: 0, rejected: {} }, failure,
    attempts: 1, executor: null, createdAt: AT, startedAt: AT, finishedAt: AT,
  }); // prettier-ignore
  store.seed(paths.etlRun(at.tenant, at.model, run.id), { ...run });
  const path = paths.firing(at.tenant, at.model, 'sabc', 'fabc');
  store.seed(path, {
    ...Firing.parse({
      id: 'fabc', schedule: 'sabc', status: 'requested', cause: 'clock', slot: null, missed: 0, requestedBy: 'system',
      run: { kind: 'etl', id: run.id }, reason: null, succeeded: null, concludedAt: null, createdAt: AT,
    }),
  }); // prettier-ignore
  // The field within a field that it is found by.
  const found = { path, id: 'fabc', data: store.look(path)!, version: '1' };
  const finding = { ...store, db: { ...store.db, listGroup: async () => [found] } };
  await concludeRun(finding, at, { kind: 'etl', id: run.id });
  expect(store.look(path)).toMatchObject({
    succeeded: false,
    reason: { code: 'run-failed', message: 'The run rabc ended as partial.' },
  });
});

test('work that takes longer to stop than one call waits is looked at again', async () => {
  const stages = { training: { status: 'running', executor: 'jobs/1' } };
  const context = { run: { stages }, ids: { ...at, run: 'rabc' }, store, attempt: 1 };
  const stops: string[] = [];
  const work = { stage: 'training', stop: async () => (stops.push('asked'), 'stopping') };
  jest.useFakeTimers();
  try {
    const ended = stopAndWrite(context as never, work as never).catch((error: unknown) => error);
    await jest.advanceTimersByTimeAsync(60_000);
    expect(await ended).toMatchObject({ code: 'run-stopping', name: 'BusyError' });
  } finally {
    jest.useRealTimers();
  }
  expect(stops.length).toBeGreaterThan(1);
});
