import { FAULT_KINDS } from './faults.ts';
import { SeedsReport } from './report.ts';
import { reports } from './seeds.ts';

/*
 * SEED=n lives that one world, and tells everything that happens in it where it fails; SEEDS=n lives that many.
 * `node tests/simulation/main.ts n --trace` does the same without jest.
 */
const one = process.env['SEED'];
const [FROM, COUNT] = one === undefined ? [1, Number(process.env['SEEDS'] ?? 2000)] : [Number(one), 1];

/** Every way in which something may end is met, not only the good ones. */
const ENDS = [
  'etlRuns succeeded',
  'etlRuns partial',
  'etlRuns failed',
  'etlRuns cancelled',
  'pipelineRuns succeeded',
  'pipelineRuns failed',
  'pipelineRuns rejected',
  'pipelineRuns cancelled',
  'deployments live',
  'deployments superseded',
  'deployments rolled-back',
  'deployments stopped',
  'deployments failed',
];

test('in every world, whatever goes wrong, what must hold holds', async () => {
  const middle = FROM + Math.ceil(COUNT / 2);
  const halves = [[FROM, Math.max(FROM, middle - 1)], ...(COUNT > 1 ? [[middle, FROM + COUNT - 1]] : [])].map(
    (range) => range.map(String),
  );
  const told = await reports(SeedsReport, halves);
  const sum = (counts: (report: SeedsReport) => Record<string, number>, name: string) =>
    told.reduce((total, report) => total + (counts(report)[name] ?? 0), 0);

  expect(told.flatMap((report) => report.failed)).toEqual([]);
  if (COUNT < 2000) return;
  const rare = FAULT_KINDS.map((kind) => [kind, sum((report) => report.faults, kind)] as const);
  expect(rare.filter(([, times]) => times < 100)).toEqual([]);
  const never = ENDS.filter((end) => sum((report) => report.ends, end) === 0);
  expect(never).toEqual([]);
  const seconds = told.reduce((total, report) => total + report.seconds, 0);
  const steps = told.reduce((total, report) => total + report.steps, 0);
  process.stdout.write(
    `simulation: ${COUNT} seeds, 0 violations, ${steps} steps, ${Math.round(COUNT / seconds)} seeds per second of processor time; ` +
      `${rare.map(([kind, times]) => `${kind} ${times}`).join(', ')}\n`,
  );
}, 600_000);

test('the same seed is the same world', async () => {
  const [first, second] = await reports(SeedsReport, [
    ['7', '17'],
    ['7', '17'],
  ]);
  expect({ ...first, seconds: 0 }).toEqual({ ...second, seconds: 0 });
}, 120_000);
