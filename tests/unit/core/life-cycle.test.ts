import { connectionTestCycle } from '#core/connection-test';
import { deploymentCycle } from '#core/deployment';
import { etlCycle } from '#core/etl-run';
import { follow, isFinal, type LifeCycle } from '#core/life-cycle';
import { pipelineCycle, stageCycle } from '#core/pipeline-run';

/** States reachable from `start` by any events. */
function reachable(cycle: LifeCycle<string, string>, start: string): string[] {
  const seen = new Set([start]);
  for (const state of seen)
    for (const next of Object.values(cycle[state] ?? {})) if (next !== null) seen.add(next);
  return [...seen].sort();
}

const cycles: [string, LifeCycle<string, string>, string, string[]][] = [
  ['connection test', connectionTestCycle, 'queued', ['failed', 'passed']],
  ['ETL run', etlCycle, 'queued', ['cancelled', 'failed', 'partial', 'succeeded']],
  ['pipeline run', pipelineCycle, 'queued', ['cancelled', 'failed', 'rejected', 'succeeded']],
  ['stage', stageCycle, 'pending', ['cancelled', 'failed', 'reused', 'skipped', 'succeeded']],
  ['deployment', deploymentCycle, 'creating', ['failed', 'rolled-back', 'stopped', 'superseded']],
];

describe.each(cycles)('the life cycle of a %s', (_name, cycle, start, finals) => {
  test('reaches every one of its states from the first', () => {
    expect(reachable(cycle, start)).toEqual(Object.keys(cycle).sort());
  });

  test('ends in its final states and no others', () => {
    expect(
      Object.keys(cycle)
        .filter((state) => isFinal(cycle, state))
        .sort(),
    ).toEqual(finals);
  });

  test('never leaves a final state, whatever message comes late', () => {
    for (const state of finals)
      for (const event of Object.keys(cycle[state] ?? {})) expect(follow(cycle, state, event)).toBeNull();
  });

  test('ignores an event that has already been followed', () => {
    const repeated = Object.entries(cycle).flatMap(([state, row]) =>
      Object.entries(row).filter(
        ([event, next]) => next !== null && next !== state && follow(cycle, next, event) !== null,
      ),
    );
    expect(repeated).toEqual([]);
  });
});
