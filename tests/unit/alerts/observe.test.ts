import { Deployment } from '#core/deployment';
import { EtlRun } from '#core/etl-run';
import { Firing } from '#core/schedule';
import { newDeployment } from '#core/deployment';
import { DeploymentSettings } from '#core/pipeline-config';
import { observeDeployment, observeEtl, observeFiring } from '../../../functions/alerts/observe.ts';

const AT = '2026-11-01T08:00:00.000Z';
const OVER = '2026-11-01T08:05:00.000Z';
const model = { id: 'mone1', name: 'Parts' };
const why = { code: 'source-unreachable', message: 'It did not answer.', remedy: null };

test.each([
  ['succeeded', true],
  ['partial', false],
  ['failed', false],
  ['cancelled', null],
] as const)('a load that ended as %s', (status, healthy) => {
  const run = EtlRun.parse({
    id: 'rone1',
    status,
    requestedBy: 'u1',
    tables: 1,
    counts: { rows: 0, bytes: 0, rejected: {} },
    failure: status === 'partial' || status === 'failed' ? why : null,
    attempts: 1,
    executor: null,
    createdAt: AT,
    startedAt: AT,
    finishedAt: OVER,
  });
  const seen = observeEtl(model, run);
  expect(seen?.healthy ?? null).toBe(healthy);
  if (healthy === false) expect(seen).toMatchObject({ at: OVER, evidence: 'rone1', cause: why });
});

test('a deployment fails where the product took it back, and not where a person did', () => {
  const made = newDeployment({
    id: 'done1',
    version: 'vone1',
    run: null,
    settings: DeploymentSettings.parse({}),
    requestedBy: 'u1',
    createdAt: AT,
  });
  const of = (rest: Partial<Deployment>) =>
    observeDeployment(model, Deployment.parse({ ...made, liveAt: AT, finishedAt: OVER, ...rest }));
  expect(of({ status: 'live', finishedAt: null })?.healthy).toBe(true);
  expect(of({ status: 'rolled-back', failure: why })).toMatchObject({ healthy: false, cause: why });
  expect(of({ status: 'rolled-back' })).toBeNull();
  expect(of({ status: 'failed', failure: why, liveAt: null })?.healthy).toBe(false);
  for (const status of ['superseded', 'stopped', 'canary'] as const) expect(of({ status })).toBeNull();
});

test('an occasion that came to nothing counts, unless that was somebody’s choice', () => {
  const of = (rest: object) =>
    observeFiring(
      { id: 'jone1', name: 'Nightly' },
      Firing.parse({
        id: 'fone1',
        schedule: 'jone1',
        status: 'skipped',
        cause: 'clock',
        slot: AT,
        missed: 0,
        requestedBy: 'system',
        run: null,
        reason: why,
        concludedAt: OVER,
        createdAt: AT,
        ...rest,
      }),
    );
  expect(of({})).toMatchObject({ healthy: false, at: OVER, cause: why });
  expect(of({ status: 'started', reason: null, succeeded: true })?.healthy).toBe(true);
  expect(of({ reason: { ...why, code: 'run-active' } })).toBeNull();
  expect(of({ status: 'requested', reason: null, concludedAt: null })).toBeNull();
});
