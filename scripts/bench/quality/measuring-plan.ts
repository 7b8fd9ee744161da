import type { TrialResult } from '../../../functions/core/metrics.ts';
import type { BlendOptions } from '../../../functions/recommender/algorithms/blend.ts';
import { settingKey, type Setting } from '../../../functions/recommender/trial-plan.ts';
import type { Winner } from '../../../functions/recommender/winner.ts';

/** A setting to measure on the test items, under the prefixes of its figures' names. */
export interface Measuring {
  readonly setting: Setting;
  readonly names: readonly string[];
}

const only = ({ algorithm, options }: Setting): Setting => ({ algorithm, options });

/** What a setting of the graph filter is called where it was published; null for other algorithms. */
export function formOf({ algorithm, options }: Setting): string | null {
  if (algorithm !== 'graph-filter') return null;
  const { lowPass, sharpening } = options;
  if (lowPass === 0) return 'turbo-cf';
  return sharpening === 0 ? 'gf-cf' : 'bspm';
}

/** A setting of a form as it was published: over large graphs the search tries a quicker way to sharpen. */
function asPublished({ algorithm, options }: Setting): Setting {
  return { algorithm, options: { ...options, sharpenBy: 'graph' } };
}

/** The best setting of each form among all that were tried: of those that came furthest the one with the best figure. */
export function bestForms(tried: readonly TrialResult[]): Map<string, { setting: Setting; figure: number }> {
  const best = new Map<string, { setting: Setting; figure: number; rung: number }>();
  for (const trial of tried) {
    const form = formOf(trial);
    const last = trial.curve?.at(-1);
    if (form === null || last === undefined) continue;
    const known = best.get(form);
    if (known && (known.rung > last.rung || (known.rung === last.rung && known.figure >= last.figure)))
      continue;
    best.set(form, { setting: only(trial), figure: last.figure, rung: last.rung });
  }
  return best;
}

/**
 * The order of measuring: what was chosen; popularity, which all others are held against; then what did best while choosing
 * first, so that the time ends what matters least. A setting is measured once, whatever its names.
 */
export function planMeasuring(
  chosen: Winner,
  best: readonly Winner[],
  tried: readonly TrialResult[],
): Measuring[] {
  const forms = [...bestForms(tried)].map(([name, { setting, figure }]) => ({
    name,
    // Where nothing is sharpened both ways are the same, and it is measured once.
    setting: name === 'bspm' ? asPublished(setting) : setting,
    figure,
  }));
  const algorithms = best.map((one) => ({
    name: one.algorithm as string,
    setting: only(one),
    figure: one.figure,
  }));
  const named = [...algorithms, ...forms].toSorted((a, b) => b.figure - a.figure);
  const plan = new Map<string, { setting: Setting; names: string[] }>();
  const add = (setting: Setting, ...names: string[]) => {
    const key = settingKey(setting);
    const entry = plan.get(key) ?? { setting, names: [] };
    entry.names.push(...names.filter((name) => !entry.names.includes(name)));
    plan.set(key, entry);
  };
  add(only(chosen), '', chosen.algorithm);
  for (const { name, setting } of named) if (name === 'popularity') add(setting, name);
  for (const { name, setting } of named) add(setting, name);
  return [...plan.values()];
}

/** The settings that a blend is made of; none of another setting. */
export function partsOf({ algorithm, options }: Setting): BlendOptions['parts'] {
  // Options of a blend were parsed by its schema when it was found.
  return algorithm === 'blend' ? (options as BlendOptions).parts : [];
}
