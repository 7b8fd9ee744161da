import type { RunComparison } from '#core/api/pipelines';
import type { RankingMetrics } from '#core/metrics';
import type { PipelineRun } from '#core/pipeline-run';
import { SLOTS } from '#core/slot';

const FIGURES = [
  'ndcg10',
  'recall10',
  'recall20',
  'coverage',
] as const satisfies readonly (keyof RankingMetrics)[];

/** Runs side by side: figures slot by slot, and the settings in which they differ. Null: a run does not have it. */
export function compareRuns(runs: readonly PipelineRun[]): RunComparison {
  return {
    runs: runs.map(({ id, status, config, dataset, version, asOf, createdAt, extraction, usage }) => ({
      id,
      status,
      config,
      dataset,
      version,
      asOf,
      createdAt,
      contentHash: extraction?.contentHash ?? null,
      usage,
    })),
    metrics: [
      ...SLOTS.flatMap((slot) => [
        ...FIGURES.map((figure) => ({
          path: `${slot}.${figure}`,
          values: runs.map(({ metrics }) => metrics?.slots[slot]?.model[figure] ?? null),
        })),
        {
          path: `${slot}.algorithm`,
          values: runs.map(({ metrics }) => metrics?.slots[slot]?.algorithm ?? null),
        },
      ]),
      ...FIGURES.map((figure) => ({
        path: `overall.${figure}`,
        values: runs.map(({ metrics }) => metrics?.overall.model[figure] ?? null),
      })),
      { path: 'seconds', values: runs.map(({ metrics }) => metrics?.seconds ?? null) },
      { path: 'trials', values: runs.map(({ metrics }) => metrics?.trials ?? null) },
    ],
    settings: unequal(runs.map(({ settings }) => settings)),
    dataset: unequal(runs.map(({ definition }) => definition)),
  };
}

/** The paths at which the things differ, sorted, each with everybody's value. */
function unequal(things: readonly unknown[]): RunComparison['settings'] {
  const flat = things.map((thing) => new Map(leaves('', thing)));
  const known = [...new Set(flat.flatMap((one) => [...one.keys()]))].sort();
  return known
    .map((path) => ({ path, values: flat.map((one) => one.get(path) ?? null) }))
    .filter(({ values }) => new Set(values.map((value) => JSON.stringify(value))).size > 1);
}

/** Values by path; lists are values. */
function leaves(path: string, value: unknown): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [[path, value]];
  return Object.entries(value).flatMap(([name, inner]) =>
    leaves(path === '' ? name : `${path}.${name}`, inner),
  );
}
