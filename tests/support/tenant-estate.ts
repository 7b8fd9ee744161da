/** One document of every collection that a tenant can have, written straight into the store. */
import type { Write } from '#cloud/firestore';
import { Alert, AlertChannel, AlertDelivery, AlertState } from '#core/alert';
import { ApiKey, KeyHash } from '#core/api-key';
import { Invitation } from '#core/invitation';
import { paths } from '#core/paths';
import { PipelineConfig } from '#core/pipeline-config';
import { Firing, Schedule } from '#core/schedule';
import type { Tenant } from '#core/tenant';
import { RunUsage } from '#core/usage';
import { Alias, Version } from '#core/version';
import { auditWrite, type Store } from '#store/store';
import { recordsOf } from './web/records.ts';

const AT = '2026-11-01T08:00:00.000Z';
const OVER = '2026-11-01T08:05:00.000Z';

/** A channel, a message that it could not deliver, and what it told of. */
function alertsOf(t: string, m: string): Record<string, object> {
  const subject = { kind: 'etl', id: m, name: 'Spare parts' } as const;
  const cause = { code: 'source-unreachable', message: 'It did not answer.', remedy: null };
  const told = { subject, at: AT, evidence: 'retl1', cause };
  const message = {
    ...told,
    id: 'aone1',
    type: 'alert.failed',
    tenant: t,
    model: { id: m, name: 'Spare parts' },
  };
  const over = { attempts: [], tries: 8, nextAt: null, createdAt: AT, finishedAt: OVER };
  return {
    [paths.alertChannel(t, 'hhook1')]: AlertChannel.parse({
      id: 'hhook1',
      name: 'Shop',
      model: m,
      kinds: ['etl'],
      enabled: true,
      target: { kind: 'webhook', host: 'hooks.example.com', secretSetAt: AT, formerUntil: null },
      createdBy: 'owner0',
      createdAt: AT,
      updatedAt: AT,
    }),
    [paths.alertDelivery(t, 'dsent1')]: AlertDelivery.parse({
      id: 'dsent1',
      channel: 'hhook1',
      member: null,
      message,
      status: 'failed',
      ...over,
    }),
    [paths.alertState(t, m, `etl~${m}`)]: AlertState.parse({
      subject,
      health: 'failing',
      since: AT,
      seenAt: AT,
      evidence: 'retl1',
      failures: 1,
      cause,
    }),
    [paths.alert(t, m, 'aone1')]: Alert.parse({
      id: 'aone1',
      model: m,
      kind: 'etl',
      change: 'failed',
      ...told,
      told: 1,
      createdAt: AT,
    }),
  };
}

/** Writes them. What stands at the root (sealed, watch …) names the tenant by a field, as functions write it. */
export async function seedEstate(store: Store, { id: t, cloud }: Tenant, m: string): Promise<void> {
  const records = recordsOf(t, m);
  const at = records.paths;
  const own = (folder: string) => `gs://${cloud.bucket}/${t}/${m}/${folder}`;
  const run = (value: object) => ({ ...value, finishedAt: OVER });
  const key = { name: 'Shop', scopes: ['recommend'], model: m, createdBy: 'owner0', createdAt: AT };
  const live = records.deployment('live', 'https://tw.example.run.app');
  const documents: Record<string, object> = {
    [paths.invitation(t, 'ione1')]: Invitation.parse({
      id: 'ione1',
      email: 'new@example.com',
      role: 'viewer',
      status: 'pending',
      invitedBy: 'owner0',
      invitedByEmail: null,
      tokenHash: 'ab',
      createdAt: AT,
      updatedAt: AT,
      expiresAt: OVER,
      acceptedAt: null,
      acceptedBy: null,
    }),
    [paths.apiKey(t, 'kone1')]: ApiKey.parse({
      id: 'kone1',
      ...key,
      expiresAt: null,
      revokedAt: null,
      lastUsedAt: AT,
      replacedBy: null,
      prefix: 'tw_kone1',
    }),
    [paths.keyHash(`hash-${t}`)]: KeyHash.parse({ tenant: t, key: 'kone1' }),
    [paths.runUsage(t, '2026-11', 'retl1')]: RunUsage.parse({
      run: 'retl1',
      model: m,
      kind: 'etl',
      endedAt: OVER,
      amounts: { rows: 12 },
    }),
    [paths.model(t, m)]: {
      id: m,
      name: 'Spare parts',
      description: 'for the branch',
      status: 'active',
      requireApproval: false,
      createdAt: AT,
      updatedAt: AT,
      deletedAt: null,
      liveDeployment: live.id,
      traffic: [{ deployment: live.id, percent: 100 }],
    },
    [at.source]: records.source,
    [paths.source(t, m, 'scsv1')]: {
      ...records.source,
      id: 'scsv1',
      name: 'Files',
      settings: { kind: 'csv', uris: [own('uploads/u1/orders.csv')], encoding: 'utf-8' },
      credentialsSetAt: null,
    },
    [at.table('torderlines')]: records.table('order_lines', 'sku STRING, ordered_at TIMESTAMP'),
    [at.etl]: run(records.etl('succeeded', 12)),
    [at.etlTable]: run(records.etlTable('succeeded', 12)),
    [at.log]: { lines: [], at: AT },
    [at.dataset]: records.dataset,
    [paths.pipelineConfig(t, m, 'cquick')]: PipelineConfig.parse({
      id: 'cquick',
      name: 'Quick',
      createdAt: AT,
      updatedAt: AT,
    }),
    [paths.schedule(t, m, 'hnight')]: Schedule.parse({
      id: 'hnight',
      name: 'Every night',
      what: { kind: 'etl' },
      when: { kind: 'daily', at: '02:30', timeZone: 'Europe/Berlin' },
      paused: true,
      createdBy: 'owner0',
      createdAt: AT,
      updatedAt: AT,
      since: AT,
      lastSlot: null,
      nextDue: null,
      lastFiredAt: AT,
      lastRun: { kind: 'etl', id: 'retl1' },
    }),
    [paths.firing(t, m, 'hnight', 'fone1')]: Firing.parse({
      id: 'fone1',
      schedule: 'hnight',
      status: 'started',
      cause: 'clock',
      slot: AT,
      missed: 0,
      requestedBy: 'system',
      run: { kind: 'etl', id: 'retl1' },
      reason: null,
      createdAt: AT,
    }),
    ...alertsOf(t, m),
    [at.pipeline]: run(records.pipeline('succeeded', ['succeeded', 'succeeded', 'succeeded', 'succeeded'])),
    [at.version]: Version.parse({ ...records.version, artifact: own('runs/rpipe1/training-1/model.twa') }),
    [paths.versionNumber(t, m, 1)]: { version: 'vone1' },
    [paths.alias(t, m, 'champion')]: Alias.parse({
      alias: 'champion',
      version: 'vone1',
      number: 1,
      setAt: AT,
      setBy: 'owner0',
    }),
    [at.deployment]: live,
    [`${paths.health(at.deployment)}/one`]: { at: AT },
    [paths.connectionTest(t, m, 'none1')]: { id: 'none1' },
    [paths.etlUnit(t, m, 'retl1', 'uone1')]: { id: 'uone1' },
    [paths.etlPlan(at.etl, 'torderlines')]: { id: 'torderlines' },
    [paths.progress(at.etl, 0)]: { rows: 1 },
    [paths.lease(at.etl)]: { holder: '', fence: 1, expiresAt: 0 },
    [paths.lock(t, m, 'etl')]: { run: 'retl1' },
    [paths.startRefusal(t, m, 'rnone1')]: { code: 'x' },
    [paths.watched(at.etl)]: { kind: 'sample', path: at.etl, tenant: t, model: m, id: 'retl1' },
    [paths.outboxEntry(`sample-${t}`)]: {
      topic: 'etl-finished',
      payload: { tenant: t, model: m, run: 'retl1' },
      requestId: null,
      createdAt: '2999-01-01T00:00:00.000Z',
    },
    [paths.sealed(at.source.replaceAll('/', '~'))]: { tenant: t, about: at.source, key: 1 },
    [paths.sealed(`key~${t}`)]: { tenant: t, current: 0, keys: {} },
    [paths.idempotency(`sample-${t}`)]: { tenant: t, body: '{}' },
    [paths.idempotency(`sign-up-${t}`)]: { tenant: null, body: JSON.stringify({ id: t }) },
    [paths.rateLimit(t, 'read')]: { tenant: t, bucket: 'read', calls: 5, at: 0 },
    [paths.deadLetter(`sample-${t}`)]: { tenant: t, state: 'waiting' },
  };
  const entry = { tenant: t, actor: 'owner0', target: paths.model(t, m) };
  await store.db.commit([
    ...Object.entries(documents).map(([path, data]): Write => ({ kind: 'set', path, data })),
    auditWrite(store, { ...entry, action: 'model.create', after: { name: 'Spare parts' } }),
    auditWrite(store, { ...entry, action: 'model.update', outcome: 'denied' }),
  ]);
}
