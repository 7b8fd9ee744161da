import { recordsOf } from '#tests/web/records';
import { type Facts, nextStep, stageStrip } from '../../../web/pages/model/stages.ts';

const of = recordsOf('tacme', 'mbolts');
const NOTHING: Facts = {
  sources: 0,
  datasets: 0,
  etl: null,
  pipeline: null,
  deployment: null,
  answering: false,
};
/** The strip as `name tone text`, to read it at a glance. */
const strip = (facts: Partial<Facts>) =>
  stageStrip({ ...NOTHING, ...facts }).map(({ name, tone, text }) => `${name} ${tone}: ${text}`);

test('a new model: nothing has happened, and a source comes first', () => {
  expect(strip({}).slice(0, 3)).toEqual([
    'Source idle: none yet',
    'ETL idle: not loaded',
    'Extraction idle: not run',
  ]);
  expect(nextStep(NOTHING)).toMatchObject({ action: 'Add a source', section: 'sources' });
});

test('a run at work: what is done says how much, what runs says so', () => {
  const pipeline = of.pipeline('running', ['succeeded', 'running']);
  expect(strip({ sources: 1, etl: of.etl('succeeded', 120_000), pipeline })).toEqual([
    'Source good: 1 source',
    'ETL good: 120,000 rows',
    'Extraction good: 118,200 lines',
    'Vocabulary running: running',
    'Training idle: pending',
    'Deployment idle: pending',
  ]);
});

test('a version the gate held back is no failure', () => {
  const pipeline = of.pipeline('rejected', ['succeeded', 'succeeded', 'succeeded', 'skipped']);
  expect(strip({ pipeline }).at(-1)).toBe('Deployment warning: held back by the gate');
});

test('the run’s own deployment speaks for its last stage, a newer run for itself', () => {
  const pipeline = of.pipeline('running', ['succeeded', 'succeeded', 'succeeded', 'running']);
  const deployment = of.deployment('verifying', '');
  expect(strip({ pipeline, deployment }).at(-1)).toBe('Deployment running: verifying');
  const later = { ...pipeline, id: 'rpipe2', createdAt: '2026-11-02T08:00:00.000Z' };
  expect(strip({ pipeline: later, deployment }).at(-1)).toBe('Deployment running: running');
});

test.each<[string, Partial<Facts>]>([
  ['Load', { sources: 1 }],
  ['Watch the load', { sources: 1, etl: of.etl('extracting', 0) }],
  ['See why', { sources: 1, etl: of.etl('failed', 0) }],
  ['Check the data set', { sources: 1, etl: of.etl('succeeded', 1) }],
  ['Train a model', { sources: 1, etl: of.etl('succeeded', 1), datasets: 1 }],
])('what comes next: %s', (action, facts) => {
  expect(nextStep({ ...NOTHING, ...facts }).action).toBe(action);
});

test('a live deployment is there to be tried', () => {
  const facts: Facts = {
    sources: 1,
    datasets: 1,
    etl: of.etl('succeeded', 1),
    pipeline: of.pipeline('succeeded', ['succeeded', 'succeeded', 'succeeded', 'succeeded']),
    deployment: of.deployment('live', 'https://recommender.example.com'),
    answering: true,
  };
  expect(nextStep(facts).action).toBe('Try it');
});

test('what was live before a run that was cancelled, or a deployment that was rolled back, still answers', () => {
  const cancelled = of.pipeline('cancelled', ['succeeded', 'cancelled', 'cancelled', 'cancelled']);
  expect(strip({ pipeline: cancelled, answering: true }).at(-1)).toBe('Deployment good: live as before');
  const facts: Facts = {
    sources: 1,
    datasets: 1,
    etl: of.etl('succeeded', 1),
    pipeline: of.pipeline('succeeded', ['succeeded', 'succeeded', 'succeeded', 'succeeded']),
    deployment: of.deployment('rolled-back', ''),
    answering: true,
  };
  expect(nextStep(facts).action).toBe('Try it');
});
