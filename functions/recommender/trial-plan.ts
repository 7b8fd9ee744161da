import { BASELINES, type AlgorithmName } from '#core/slot';
import type { TrainingConfig } from '#core/training-config';
import type { DataSize } from './algorithm.ts';
import type { HistorySize } from './data.ts';
import { registry } from './registry.ts';

/** An algorithm with its options. */
export interface Setting {
  readonly algorithm: AlgorithmName;
  readonly options: Record<string, unknown>;
}

/** Is it one of those that are always measured? */
export const isBaseline = (algorithm: AlgorithmName) => BASELINES.some((name) => name === algorithm);

/** Whether a setting is a baseline as such, and not more than it. */
export const isBaselineForm = ({ algorithm, options }: Setting) =>
  isBaseline(algorithm) && (registry[algorithm].isBaselineForm?.(options) ?? true);

/** One text per setting. */
export const settingKey = ({ algorithm, options }: Setting) => JSON.stringify([algorithm, options]);

/** The plain form of `algorithm`, its first trial: what it is where nothing was tried. */
export function plainSetting(algorithm: AlgorithmName, config: TrainingConfig, size: HistorySize): Setting {
  const entry = registry[algorithm];
  return { algorithm, options: entry.options.parse(entry.trials(config, size)[0] ?? {}) };
}

/** Of the trials one of so many is kept for settings near those that do well in the first round. */
const FURTHER_ONE_OF = 8;

/**
 * What to try, in order: every setting of the baselines, so that none is beaten for want of tuning; then of `config.trials`
 * settings of the other chosen algorithms those that are not kept for later, one of each in turn, best guesses first and of
 * one turn what takes least. Of these the light ones come first, so that where time runs out it cuts the last guesses of what
 * takes longest. Blends are not planned but made of what was found. `spared`: what the caps spare and is tried in full.
 */
export function planTrials(
  config: TrainingConfig,
  size: DataSize,
  spared: readonly AlgorithmName[] = BASELINES,
): Setting[] {
  const settingsOf = (algorithm: AlgorithmName): Setting[] => {
    const entry = registry[algorithm];
    if (!entry.slots.some((slot) => config.slots.includes(slot))) return [];
    return entry
      .trials(config, size)
      .map((options) => ({ algorithm, options: entry.options.parse(options) }));
  };
  const queues = config.algorithms
    .filter((algorithm) => !spared.includes(algorithm) && algorithm !== 'blend')
    .map(settingsOf);
  const seconds = ({ algorithm, options }: Setting) => registry[algorithm].seconds?.(options, size) ?? 0;
  const planned: Setting[] = [];
  for (let round = 0; queues.some((queue) => queue[round] !== undefined); round++)
    planned.push(
      ...queues.flatMap((queue) => queue[round] ?? []).toSorted((a, b) => seconds(a) - seconds(b)),
    );
  const chosen = planned.slice(0, config.trials - Math.floor(config.trials / FURTHER_ONE_OF));
  const of = (effort: 'light' | 'heavy') =>
    chosen.filter(({ algorithm }) => registry[algorithm].effort === effort);
  return [...spared.flatMap(settingsOf), ...of('light'), ...of('heavy')];
}

/**
 * Settings near the best of each algorithm, `going` (best first), that may do better still and were not planned: as many as
 * the cap on trials leaves.
 */
export function furtherTrials(
  going: readonly Setting[],
  planned: readonly Setting[],
  config: TrainingConfig,
  size: DataSize,
  spared: readonly AlgorithmName[] = BASELINES,
): Setting[] {
  const known = new Set(planned.map((setting) => settingKey(setting)));
  const left = config.trials - planned.filter(({ algorithm }) => !spared.includes(algorithm)).length;
  const bests = [...new Map(going.toReversed().map((setting) => [setting.algorithm, setting])).values()];
  return bests
    .toReversed()
    .flatMap(({ algorithm, options }) => {
      const entry = registry[algorithm];
      return (entry.further?.(options, config, size) ?? []).map((near) => ({
        algorithm,
        options: entry.options.parse(near),
      }));
    })
    .filter((setting) => !known.has(settingKey(setting)))
    .slice(0, Math.max(0, left));
}
