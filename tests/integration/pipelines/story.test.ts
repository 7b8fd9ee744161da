import { previewDataset } from '#core/api/datasets';
import { getDeployment } from '#core/api/deployments';
import { getModel } from '#core/api/models';
import { getPipelineLogs } from '#core/api/pipelines';
import { getVersion } from '#core/api/versions';
import { openFiles } from '#cloud/storage';
import { snapshotFolder } from '#core/training-result';
import { eventually } from '#tests/eventually';
import { useLocalCloud } from '#tests/local-cloud';
import { openPipelineAccount, type PipelineAccount } from '#tests/pipeline-account';

let account: PipelineAccount;
beforeAll(async () => {
  account = await openPipelineAccount();
});

test('from order lines to a live deployment', async () => {
  const { call, params, dataset } = account;
  const shown = await call(previewDataset, { params: { ...params, dataset: dataset.id } });
  expect(shown.bytes).toBeGreaterThan(0);
  expect(shown.rows).toHaveLength(20);
  expect(shown.rows[0]).toMatchObject({
    customer: expect.stringMatching(/^170\d\d$/),
    customer_segment: expect.stringMatching(/^Trade [0-3]$/),
    item_brand: expect.stringMatching(/^Brand \d+$/),
    drop_reason: null,
  });

  const begun = await account.start();
  expect(begun.status).toMatch(/queued|running/);
  const run = await account.ended(begun.id);
  expect(run.failure).toBeNull();
  expect(run).toMatchObject({
    status: 'succeeded',
    extraction: { lines: 3600, kept: 3564, dropped: { return: 36 } },
    vocabulary: { customers: 60, items: 120, interactions: 3564 },
    stages: {
      extraction: { status: 'succeeded', attempts: 1 },
      vocabulary: { status: 'succeeded', attempts: 1 },
      training: { status: 'succeeded', attempts: 1 },
      deployment: { status: 'succeeded', attempts: 1 },
    },
  });

  const version = await call(getVersion, { params: { ...params, version: run.version ?? '' } });
  expect(version).toMatchObject({ number: 1, status: 'approved', gate: { passed: true }, run: run.id });
  // Sixty customers in four trades: each is told, and none has enough of them.
  const { customersBy } = version.metrics.slots.discover ?? {};
  expect(customersBy?.by).toBe('segment');
  expect(customersBy?.parts.map(({ name }) => name).toSorted()).toEqual(
    [0, 1, 2, 3].map((trade) => `Trade ${trade}`),
  );
  expect(customersBy?.parts.every(({ customers, model }) => customers <= 15 && model === null)).toBe(true);
  const deployment = await call(getDeployment, { params: { ...params, deployment: run.deployment ?? '' } });
  expect(deployment).toMatchObject({ status: 'live', version: version.id, run: run.id, compared: 50 });
  expect(await call(getModel, { params })).toMatchObject({
    status: 'active',
    liveDeployment: deployment.id,
  });
  // The run's own tables go by themselves; its snapshot lies in the folder of the attempt that wrote it.
  const { projectId, env } = useLocalCloud();
  const features = `${env['BIGQUERY_ENDPOINT']}/bigquery/v2/projects/${projectId}/datasets/${account.raw.replace(/_raw$/, '_features')}`;
  for (const name of ['lines', 'counts', 'customers', 'items', 'interactions']) {
    const response = await fetch(`${features}/tables/run_${run.id}_${name}`);
    const { expirationTime } = (await response.json()) as { expirationTime?: string }; // BigQuery's Table
    const days = (Number(expirationTime) - Date.parse(run.createdAt)) / 86_400_000;
    expect({ name, days: Math.round(days) }).toEqual({ name, days: 7 });
  }
  // What the version says of accounts is there for reports, and stays.
  for (const name of ['signals_due', 'signals_accounts', 'signals_white_space', 'signals_supersessions']) {
    const response = await fetch(`${features}/tables/${name}`);
    const { expirationTime, numRows } = (await response.json()) as {
      expirationTime?: string;
      numRows: string;
    }; // BigQuery's Table
    expect([name, expirationTime]).toEqual([name, undefined]);
    if (name === 'signals_accounts') expect(numRows).toBe('60');
  }
  // Everybody's lists are tables of the warehouse as soon as their version is live.
  for (const slot of ['reorder', 'discover'] as const) {
    const table = await eventually(`the table of ${slot}`, async () => {
      const response = await fetch(`${features}/tables/recommendations_${slot}`);
      return response.ok ? ((await response.json()) as { numRows?: string }) : null; // BigQuery's Table
    });
    expect(Number(table.numRows)).toBeGreaterThan(60);
  }
  const snapshot = snapshotFolder(env['TRADEWIND_BUCKET'] ?? '', params.tenant, params.model, run.id, 1);
  const exported = (await openFiles(projectId).list(snapshot)).map(({ uri }) => uri.slice(snapshot.length));
  expect(exported.map((name) => name.replace(/-.*/, '')).toSorted()).toEqual([
    'customers',
    'interactions',
    'items',
  ]);
  expect(run.stages.extraction.executor).toBe(`tw-${run.id}-extract-1`);
  expect(run.stages.training.executor).toMatch(/\/customJobs\/\d+$/);

  // The verifier's door stays shut to everybody else, signed in or not.
  const lists = JSON.stringify({ lists: [{ customer: '17001', slot: 'discover' }] });
  for (const authorization of ['Bearer forged', `Bearer twv1.${Date.now() + 60_000}.${'A'.repeat(43)}`]) {
    const headers = { 'content-type': 'application/json', authorization };
    const answer = await fetch(`${deployment.url}/v1/verify`, { method: 'POST', headers, body: lists });
    expect([answer.status, await answer.json()]).toEqual([
      401,
      expect.objectContaining({ code: 'unauthenticated' }),
    ]);
  }
  const { lines } = await call(getPipelineLogs, { params: { ...params, run: run.id } });
  expect(lines.map((line) => line.message)).toContain('extraction: 3564 of 3600 lines kept');
}, 180_000);
