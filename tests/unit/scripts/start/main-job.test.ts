import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { spread } from '#scripts/start/answers';
import { runMainJob } from '#scripts/start/main-job';
import { parseOptions } from '#scripts/start/options';
import { makeProgress } from '#scripts/start/progress';
import { makeReport } from '#scripts/start/report';
import { summarise } from '#scripts/start/summary';
import { figures, PaperApi } from './paper-api.ts';

let dir: string;
let api: PaperApi;
let lines: string[];
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'tradewind-start-'));
  await writeFile(path.join(dir, 'orders.csv'), 'Kunde,StockCode,InvoiceDate,Quantity\nC1,A1,2026-01-01,3\n');
  api = new PaperApi();
  lines = [];
});
afterEach(async () => {
  api.server.closeAllConnections();
  await new Promise((resolve) => api.server.close(resolve));
  await rm(dir, { recursive: true, force: true });
});

const begin = async (web: string, ...more: string[]) => {
  const options = parseOptions(
    ['--orders', path.join(dir, 'orders.csv'), '--columns', 'customer=Kunde', '--state', dir, ...more],
    '/',
    '/',
  );
  if (options === 'help') throw new Error('no help was asked for');
  const progress = makeProgress({ isTTY: false, columns: 100, write: (text) => lines.push(text) }, () =>
    performance.now(),
  );
  const outcome = await runMainJob({
    web,
    options,
    demoUrl: null,
    progress,
    signal: new AbortController().signal,
  });
  return { outcome, steps: progress.steps };
};

test('goes the whole way from a file to recommendations, and reports it', async () => {
  const { outcome, steps } = await begin(await api.open());
  expect(api.uploaded).toBe(await readFile(path.join(dir, 'orders.csv'), 'utf8'));
  expect(steps.map(({ name }) => name)).toEqual([
    'sign-in',
    'source',
    'connection-test',
    'discover',
    'load',
    'data-set',
    'extraction',
    'vocabulary',
    'training',
    'deployment',
    'recommend',
  ]);
  expect(lines).toHaveLength(steps.length);

  const report = makeReport(steps, outcome);
  expect(report).toMatchObject({
    etl: { rows: 5, bytes: 100, dropped: { return: 2 } },
    metrics: {
      model: figures,
      baselines: { popularity: { ndcg10: 0.1 } },
      slots: {
        reorder: { model: figures, algorithm: 'purchase-rhythm', options: {}, fellBack: null },
        discover: { algorithm: 'ials', baselineOptions: {} },
      },
    },
    rejected: [],
    endpoint: outcome.deployment?.url,
  });
  expect(report.metrics.slots['discover']?.model).toEqual(report.metrics.model);
  expect(report.recommendations).toHaveLength(3);
  expect(report.recommendations[0]).toMatchObject({
    customer: 'C1',
    bought: [{ id: 'A1' }],
    items: [{ id: 'A2', name: 'Nut', score: 0.5, reason: 'Because you bought Bolt (3 times)' }],
  });

  const text = summarise(outcome);
  for (const said of [
    '2 return',
    'popularity',
    'One (customer C1)',
    'Nut (A2) - Because you bought Bolt',
    're-order',
  ])
    expect(text).toContain(said);
});

test('a second run finds its tenant, model, upload, source, data set and configuration', async () => {
  const web = await api.open();
  await begin(web);
  const posts = () =>
    api.asked.filter((what) => /^POST .*(tenants|models|uploads|sources|datasets|configs)$/.test(what))
      .length;
  const before = posts();
  await begin(web);
  expect(before).toBe(6);
  expect(posts()).toBe(before);
});

test('a failed load says why, what the log said and what to do', async () => {
  api.etlStatus = 'failed';
  await expect(begin(await api.open())).rejects.toMatchObject({
    code: 'bad-line',
    message: expect.stringMatching(/line 7 has 3 fields[^]*etl-runner: cannot read on/),
    remedy: 'mend line 7',
  });
  expect(lines.at(-1)).toMatch(/^✗ Load/);
});

test('a model that the quality gate refuses is reported with its figures and the reasons, and asked nothing', async () => {
  api.gatePassed = false;
  const { outcome, steps } = await begin(await api.open());
  expect(steps.at(-1)).toMatchObject({ name: 'training' });
  expect(makeReport(steps, outcome)).toMatchObject({
    rejected: ['Discovery 0.10 does not beat popularity 0.12.'],
    metrics: { model: figures, baselines: { popularity: { ndcg10: 0.1 } } },
    recommendations: [],
    endpoint: null,
  });
  expect(summarise(outcome)).toContain('NDCG@10');
  expect(api.asked.filter((what) => what.includes('/service/'))).toEqual([]);
});

test('a latin1 file is uploaded as it is and read as latin1', async () => {
  await writeFile(path.join(dir, 'orders.csv'), Buffer.from('Kunde,StockCode\nM\xfcller,A1\n', 'latin1'));
  await begin(await api.open(), '--encoding', 'latin1');
  expect(api.source).toMatchObject({ settings: { kind: 'csv', encoding: 'latin1' } });
});

test('a Parquet file becomes a source of its kind', async () => {
  const file = path.join(dir, 'orders.parquet');
  await writeFile(file, 'PAR1');
  await begin(await api.open(), '--orders', file);
  expect(api.source).toMatchObject({ name: 'orders.parquet', settings: { kind: 'parquet' } });
});

test('the customers shown are spread from big to small', () => {
  const customers = Array.from({ length: 9 }, (_, index) => ({ id: `c${index}`, items: index + 3 }));
  expect(spread(customers, 3)).toEqual(['c7', 'c4', 'c1']);
  expect(spread([{ id: 'a', items: 1 }], 3)).toEqual(['a']);
  expect(spread([], 3)).toEqual([]);
});
