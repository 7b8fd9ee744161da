import type { z } from 'zod';
import type { AlgorithmName, SlotName } from '#core/slot';
import type { TrainingConfig } from '#core/training-config';
import type { SectionReader, SectionWriter } from './artifact.ts';
import type { Catalogue, History, HistorySize, Profile } from './data.ts';
import type { Pool } from './kernels/pool.ts';
import type { Onnx } from './onnx/runtime.ts';
import type { Random } from './random.ts';

/** What a fit may use; nothing else varies it. */
export interface FitContext {
  readonly random: Random;
  readonly signal?: AbortSignal;
  /** Work done so far, 0 … 1. */
  readonly onProgress?: (share: number) => void;
  /** Threads for the heavy part; results do not depend on their number. */
  readonly pool: Pool;
  /** What the items are called and which category each is of, where it is known: for those that learn from it. */
  readonly catalogue?: Catalogue;
  /** ONNX Runtime; null: to do without. By default it is used where it is installed. */
  readonly onnx?: Onnx | null;
}

/** A model whose score of an item is `query(profile) · factors[item]`, up to rounding. */
export interface Vectors {
  /** Factors per item. */
  readonly d: number;
  /** Items × d, row-major. */
  readonly factors: Float32Array;
  /** The profile folded in: d numbers; all zero where nothing is known. */
  query(profile: Profile): Float32Array;
}

/** A fitted model. It knows no customers: a customer is a profile, so a basket or a newcomer is scored the same way. */
export interface Model {
  /**
   * Writes a score for every item into `scores` (length = items). Higher is better; 0 means "no opinion". What may be
   * offered (bought, not bought, filters) is not the model's business.
   */
  score(profile: Profile, scores: Float32Array): void;
  /**
   * The scores of many profiles, row n of `scores` (profiles × items) those of profile n: `score` up to rounding, at a fraction
   * of its time for each. Only where that pays; evaluation asks so, serving does not.
   */
  scoreMany?(profiles: readonly Profile[], scores: Float32Array): void;
  /** Where a score is an inner product: what serving scans instead of calling `score`. */
  readonly vectors?: Vectors;
  /** Writes into `scores` how well every item goes with `item`, by the same rules; `item`'s own entry is 0. */
  similar?(item: number, scores: Float32Array): void;
  /** How much each item of the profile adds to `item`'s score, parallel to `profile.items`; what a reason is made of. */
  contributions?(profile: Profile, item: number): Float32Array;
  /** Everything `load` needs to give a model with identical scores. */
  save(writer: SectionWriter): void;
}

/** How much there is to learn from. */
export interface DataSize extends HistorySize {
  /** Of customers and items, each once. */
  readonly pairs: number;
}

/** One way to recommend. One file each in algorithms/, listed in registry.ts, held to tests/contract/algorithm-suite.ts. */
export interface Algorithm<Options> {
  readonly name: AlgorithmName;
  /** For people: the name on a metrics table. */
  readonly title: string;
  /** What a fit takes: one pass over the purchases, or far more (all pairs of items, systems of equations). */
  readonly effort: 'light' | 'heavy';
  /** The slots it can answer. */
  readonly slots: readonly SlotName[];
  /** Options with ranges and defaults; unknown keys are refused. */
  readonly options: z.ZodType<Options>;
  /** Settings worth trying under a configuration, best guess first; the first is the algorithm's baseline form. */
  trials(config: TrainingConfig, size: HistorySize): readonly Options[];
  /** Of a baseline: whether these options are the baseline, tuned at most, and not more than it. Where absent all are. */
  isBaselineForm?(options: Options): boolean;
  /**
   * Settings near one that did best of its algorithm in a search's first round that may do better still, best guess first: what
   * would take too long to try with every other option.
   */
  further?(options: Options, config: TrainingConfig, size: HistorySize): readonly Options[];
  /**
   * A cheaper form of a setting that tells whether it is worth the whole effort, for the first rounds of a search:
   * fewer epochs, say. `share`: of the work, 0 … 1. Absent where a fit has no cheaper form.
   */
  reduced?(options: Options, share: number): Options;
  fit(history: History, options: Options, context: FitContext): Promise<Model>;
  /**
   * Seconds that a fit takes two common cores, roughly: what is expected before one was seen. The ratio between two settings
   * of the algorithm is nearer to the truth than either. Absent where a fit takes next to nothing.
   */
  seconds?(options: Options, size: DataSize): number;
  /**
   * The model for other options from one fitted, in this process, on the same history, where that takes less than a fresh fit:
   * another half-life, more epochs, another cut of the same vectors; else null. Bit for bit what a fresh fit would give.
   */
  refit?(
    fitted: Model,
    former: Options,
    options: Options,
    history: History,
    context: FitContext,
  ): Promise<Model | null>;
  /** What `save` wrote, for `items` items. TerminalError `artifact-damaged` where its arrays do not fit that number. */
  load(reader: SectionReader, items: number): Model;
}
