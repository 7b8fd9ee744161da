import type { TrainingConfig } from '#core/training-config';

/** Beyond it the item × item matrix would be larger than the graph, and cutting it would lose too much. */
const MOST_ROWS = 12_000;

/** A setting of the graph filter as the search tries it. */
interface GraphTrial {
  readonly rank: number;
  readonly lowPass: number;
  readonly sharpening: number;
  readonly sharpeningOrder: number;
  readonly sharpenBy: 'graph' | 'vectors';
  readonly keepBlurred: boolean;
  readonly neighbours: number | null;
  readonly halfLifeDays: number | null;
}

/**
 * Settings worth trying, best guess first: the published forms. Those of low rank come first, whose vectors are found in a
 * fraction of the time; all of one rank share theirs.
 */
export function graphTrials(
  config: TrainingConfig,
  { customers, items }: { customers: number; items: number },
): GraphTrial[] {
  // Half of what there is would be no low pass any more.
  const most = Math.floor(Math.min(customers, items) / 16) * 8;
  const rank = (wanted: number) => Math.max(8, Math.min(wanted, most));
  const gfcf: GraphTrial = {
    rank: rank(128),
    lowPass: 0.3,
    sharpening: 0,
    sharpeningOrder: 4,
    // Five passes over a large graph for every request take 25 ms at 40,000 items.
    sharpenBy: items > MOST_ROWS ? 'vectors' : 'graph',
    keepBlurred: false,
    neighbours: items > MOST_ROWS ? null : 1000,
    halfLifeDays: null,
  };
  const bspm = { ...gfcf, lowPass: 0.2, sharpening: 2.5 };
  // Without a low pass nothing but the cut keeps chance pairs out: fewer neighbours.
  const few = gfcf.neighbours === null ? null : 100;
  const turbo = { ...gfcf, lowPass: 0, sharpening: 0.9, sharpeningOrder: 1, neighbours: few };
  const ages = (options: GraphTrial) => [
    options,
    ...(config.halfLifeDays === null ? [] : [{ ...options, halfLifeDays: config.halfLifeDays }]),
  ];
  if (config.preset === 'quick') return ages(gfcf);
  const large = { rank: rank(448) };
  const trials = [
    ...ages(gfcf),
    ...ages({ ...bspm, ...large }),
    ...ages({ ...gfcf, ...large }),
    ...ages(turbo),
    { ...gfcf, ...large, sharpening: 1.2, sharpeningOrder: 1, keepBlurred: true },
    ...(config.preset === 'balanced'
      ? []
      : [
          { ...bspm, rank: rank(256) },
          bspm,
          { ...bspm, ...large, lowPass: 0.4 },
          { ...gfcf, rank: rank(64), lowPass: 0.5 },
        ]),
  ];
  // Small data leaves fewer ranks than are named here.
  return [...new Map(trials.map((trial) => [JSON.stringify(trial), trial])).values()];
}
