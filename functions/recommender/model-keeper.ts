import type { AlgorithmName } from '#core/slot';
import type { TrainingConfig } from '#core/training-config';
import type { FitContext, Model } from './algorithm.ts';
import { blendModel, type BlendOptions, type BlendPart } from './algorithms/blend.ts';
import { learnable, type Catalogue, type History } from './data.ts';
import type { Pool } from './kernels/pool.ts';
import { seededRandom } from './random.ts';
import { registry } from './registry.ts';
import { settingKey, type Setting } from './trial-plan.ts';
import { workOf } from './trial-cost.ts';

/** Models of one algorithm that are kept to go on from, at most: the best of them are the ones that are gone on with. */
const GO_ON = 3;

/** A model, and what making it took in the units of `workOf`; null where it was made from another, of which nothing is known. */
export interface Made {
  readonly model: Model;
  readonly work: number | null;
}

interface Kept {
  readonly setting: Setting;
  readonly key: string;
  /** The key of the setting in full that it is a cheaper form of; its own where it is none. */
  readonly of: string;
  readonly model: Model;
  readonly figure: number;
  readonly effort: number;
}

/** What fits work with. */
export interface FitTools {
  readonly config: TrainingConfig;
  readonly pool: Pool;
  readonly catalogue?: Catalogue;
  readonly signal?: AbortSignal;
}

/** One fit's context: the same seed for every fit, so that their order plays no part. */
function fitContext({ config, pool, catalogue, signal }: FitTools): FitContext {
  return {
    random: seededRandom(config.seed),
    pool,
    ...(catalogue ? { catalogue } : {}),
    ...(signal ? { signal } : {}),
  };
}

const learnableFrom = (whole: History, { config }: FitTools) =>
  learnable(whole, config.minInteractionsPerCustomer, config.minInteractionsPerItem);

/** Fits `setting` on what may be learned from `history`. */
export async function fitSetting(setting: Setting, history: History, tools: FitTools): Promise<Model> {
  return registry[setting.algorithm].fit(learnableFrom(history, tools), setting.options, fitContext(tools));
}

/** Fits settings on one history, each with what those before it leave to build on. */
export interface ModelKeeper {
  /** What may be learned from. */
  readonly history: History;
  /** The model of `setting`: kept, or made from one that is kept, or fitted; the same bits in each case. */
  make(setting: Setting, signal?: AbortSignal): Promise<Made>;
  /** `make`'s model. */
  model(setting: Setting): Promise<Model>;
  /** Keeps the best of a place (an algorithm for a slot), and those worth going on with. A fit of more effort is worth more. */
  keep(place: string, model: Model, of: Setting, reduced: Setting, standing: Standing): void;
  /** Is the model of this very setting kept? */
  has(setting: Setting): boolean;
  /** Work that is done already of the setting in full, in its cheaper forms. */
  ahead(setting: Setting): number;
}

export interface Standing {
  readonly effort: number;
  readonly figure: number;
}

/** A keeper over `whole`, less what is too rare to learn from. */
export function makeKeeper(whole: History, tools: FitTools): ModelKeeper {
  const history = learnableFrom(whole, tools);
  const size = { customers: history.customers, items: history.items, pairs: history.item.length };
  const best = new Map<string, Kept>();
  const going = new Map<AlgorithmName, Kept[]>();
  const latest = new Map<AlgorithmName, { setting: Setting; model: Model }>();
  const all = () => [...best.values(), ...[...going.values()].flat()];
  const make: ModelKeeper['make'] = async (setting, signal = tools.signal) => {
    const key = settingKey(setting);
    const kept = all().find((one) => one.key === key);
    if (kept) return { model: kept.model, work: 0 };
    const { algorithm, options } = setting;
    const last = latest.get(algorithm);
    if (last && settingKey(last.setting) === key) return { model: last.model, work: 0 };
    const entry = registry[algorithm];
    if (algorithm === 'blend') return { model: await blended(options, signal), work: null };
    const context = fitContext({ ...tools, ...(signal ? { signal } : {}) });
    const work = workOf(setting, 1, size);
    const formers = [...(last ? [last] : []), ...all().filter((one) => one.setting.algorithm === algorithm)]
      .map((former) => ({ ...former, work: workOf(former.setting, 1, size) }))
      .toSorted((a, b) => b.work - a.work);
    let made: Made | null = null;
    for (const former of new Map(formers.map((one) => [one.model, one])).values()) {
      const model = await entry.refit?.(former.model, former.setting.options, options, history, context);
      if (!model) continue;
      made = { model, work: entry.reduced === undefined ? null : Math.max(0, work - former.work) };
      break;
    }
    made ??= { model: await entry.fit(history, options, context), work };
    latest.set(algorithm, { setting, model: made.model });
    return made;
  };
  /** A blend of its parts' models, each of which may be kept. */
  const blended = async (options: Setting['options'], signal: AbortSignal | undefined) => {
    // Parsed by the schema of blends when it was found.
    const { parts } = options as BlendOptions;
    const models: BlendPart[] = [];
    for (const { algorithm, options: own, weight } of parts)
      models.push({ model: (await make({ algorithm, options: own }, signal)).model, weight });
    return blendModel(models, { parts }, history.items);
  };
  const isBetter = (one: Standing, other: Standing | undefined) =>
    !other || one.effort > other.effort || (one.effort === other.effort && one.figure > other.figure);
  return {
    history,
    make,
    model: async (setting) => (await make(setting)).model,
    keep: (place, model, of, setting, standing) => {
      const kept = { setting, key: settingKey(setting), of: settingKey(of), model, ...standing };
      if (isBetter(standing, best.get(place))) best.set(place, kept);
      if (registry[setting.algorithm].reduced === undefined) return;
      // A model of the same setting that came less far has been gone on from.
      const others = (going.get(setting.algorithm) ?? []).filter((one) => one.of !== kept.of);
      const ranked = [...others, kept].toSorted((a, b) => (isBetter(a, b) ? -1 : isBetter(b, a) ? 1 : 0));
      going.set(setting.algorithm, ranked.slice(0, GO_ON));
    },
    has: (setting) => all().some(({ key }) => key === settingKey(setting)),
    ahead: (setting) => {
      const of = settingKey(setting);
      const formers = all().filter((one) => one.of === of);
      return formers.reduce((most, former) => Math.max(most, workOf(former.setting, 1, size)), 0);
    },
  };
}
