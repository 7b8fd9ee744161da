import { z } from 'zod';
import { AlgorithmName, DerivedSlot, DerivedWay, SlotName } from './slot.ts';

/**
 * What a training run measured on the test window, beside the baselines. All figures are full-ranking (every item is a
 * candidate, none sampled) and lie between 0 and 1.
 */
const share = z.number().min(0).max(1);

export const RankingMetrics = z.object({
  /** Normalised discounted cumulative gain of the first 10, mean over evaluated customers. */
  ndcg10: share,
  /** Share of a customer's purchases in the window found in the first 10, mean over evaluated customers. */
  recall10: share,
  recall20: share,
  /** Share of the catalogue that appears in anybody's first 10. */
  coverage: share,
  /** Mean average precision of the first 10; this and what follows is absent in reports of before. */
  map10: share.optional(),
  /** Share of customers with at least one hit in the first 10. */
  hitRate10: share.optional(),
  /** How unexpected the listed items are: mean of -log2(buyers / customers) over all places of the first 10. */
  novelty: z.number().min(0).optional(),
  /** Share of all places of the first 10 taken by the tenth of the catalogue with most buyers. */
  popularityBias: share.optional(),
  /** Share of the money of a customer's purchases in the window found in the first 10; absent where no value is known. */
  valueRecall10: share.optional(),
  /** The same at the list lengths that the configuration asked for. */
  at: z.array(z.object({ k: z.int(), recall: share, ndcg: share })).optional(),
});
export type RankingMetrics = z.infer<typeof RankingMetrics>;

/** A mean over customers with the ends between which 95 of 100 resamplings of the customers put it. */
export const Interval = z.object({ mean: z.number(), low: z.number(), high: z.number() });
export type Interval = z.infer<typeof Interval>;

const Options = z.record(z.string(), z.unknown());

/** What the live version's setting reaches where the new one is measured: fitted on the same purchases, same customers. */
export const ChampionMetrics = z.object({
  algorithm: AlgorithmName,
  options: Options,
  /** Null where the setting cannot be fitted any more; `reason` says why. */
  model: RankingMetrics.nullable(),
  reason: z.string().nullable(),
  /** NDCG@10 that the live version itself reported: of another test window, for information only. */
  reported: share,
});
export type ChampionMetrics = z.infer<typeof ChampionMetrics>;

/** Segments told one by one, at most; the customers of the others are measured together. */
export const MOST_SEGMENTS = 20;
/** Of fewer customers a mean is chance: it is not told. */
export const FEW_IN_PART = 30;

const PartFigures = z.object({ ndcg10: share, recall10: share });

/** How the customers of one kind are answered. */
export const PartMetrics = z.object({
  /** `others`: the segments that are not told one by one; `unknown`: of no known segment. The rest: by activity. */
  kind: z.enum(['segment', 'others', 'unknown', 'light', 'middle', 'heavy']),
  /** The segment's, cut where it is long; null for other kinds. */
  name: z.string().nullable(),
  /** By activity only: what these customers had bought before the window, an item of a basket each. */
  purchases: z.object({ least: z.number(), most: z.number() }).optional(),
  /** Customers measured. */
  customers: z.int().min(1),
  /** Null, as are `baseline` and `lead`, where there are fewer than FEW_IN_PART: too few to tell. */
  model: PartFigures.nullable(),
  /** The slot's baseline, which may be what answers. */
  baseline: PartFigures.nullable(),
  /** The model's lead in NDCG@10, customer by customer. */
  lead: Interval.nullable(),
});
export type PartMetrics = z.infer<typeof PartMetrics>;

/** Every measured customer is in one part; `activity`, in thirds, where nothing is known of segments. */
export const CustomerParts = z.object({
  by: z.enum(['segment', 'activity']),
  parts: z.array(PartMetrics).max(MOST_SEGMENTS + 2),
});
export type CustomerParts = z.infer<typeof CustomerParts>;

/** One slot's model beside its baselines. */
export const SlotMetrics = z.object({
  model: RankingMetrics,
  baselines: z.record(z.string(), RankingMetrics),
  /** By baseline, the setting it was measured with: the one of its own that did best on the validation window. */
  baselineOptions: z.record(z.string(), Options).default({}),
  /** Null where nothing was live, or was not measured on this slot. */
  champion: ChampionMetrics.nullable().default(null),
  /** The algorithm that answers this slot. */
  algorithm: AlgorithmName,
  /** Its options, as the algorithm's schema has them. */
  options: Options,
  /** Customers measured: they had bought before the window and had at least one target in it. */
  customers: z.int().min(0),
  /** Set where the best chosen setting lost to the slot's baseline on the validation window: the baseline is shipped. */
  fellBack: z.object({ from: AlgorithmName, reason: z.string() }).nullable(),
  /** The model's NDCG@10; absent in reports of before, as is `lead`. */
  interval: Interval.optional(),
  /** Its lead in NDCG@10 over the slot's baseline, customer by customer; absent where that baseline is what answers. */
  lead: Interval.extend({ against: AlgorithmName }).optional(),
  /** The same by segment or activity of the customers. Absent in reports of before, and where nobody was measured. */
  customersBy: CustomerParts.optional(),
});
export type SlotMetrics = z.infer<typeof SlotMetrics>;

/** How what ships answers a question that no model was chosen for, on the test window. */
export const DerivedMetrics = z.object({
  /** Items, baskets or customers measured. */
  cases: z.int().min(1),
  algorithm: DerivedWay,
  /** Whose factors `content` completes. */
  on: AlgorithmName.optional(),
  model: z.object({ ndcg10: share, recall10: share }),
  baseline: z.object({ algorithm: DerivedWay, ndcg10: share, recall10: share }),
  /** The lead in NDCG@10, case by case. */
  lead: Interval,
});
export type DerivedMetrics = z.infer<typeof DerivedMetrics>;

/** Fewer cases are not enough evidence, whatever they show. */
export const LEAST_DERIVED_CASES = 20;

/** Whether a derived question was measured, with enough evidence, better than its baseline. */
export function isProven(measured: Pick<DerivedMetrics, 'cases' | 'lead'> | undefined): boolean {
  return measured !== undefined && measured.cases >= LEAST_DERIVED_CASES && measured.lead.low > 0;
}

/** One setting tried on the validation window, as logged to an experiment. */
export const TrialResult = z.object({
  trial: z.int(),
  slot: SlotName,
  algorithm: AlgorithmName,
  options: Options,
  metrics: RankingMetrics,
  seconds: z.number(),
  /** One point per round of the search, the newest last. Absent in records of before. */
  curve: z
    .array(
      z.object({
        rung: z.int(),
        /** Customers measured. */
        customers: z.int(),
        /** Share of a fit's work, where the algorithm has a cheaper form. */
        effort: z.number(),
        /** What decides: NDCG@10. */
        figure: z.number(),
        seconds: z.number(),
      }),
    )
    .optional(),
});
export type TrialResult = z.infer<typeof TrialResult>;

/** Everything measured; `overall` ranks all items: re-orders first, then discoveries, against the whole next purchases. */
export const MetricsReport = z.object({
  slots: z.partialRecord(SlotName, SlotMetrics),
  overall: z.object({
    model: RankingMetrics,
    baselines: z.record(z.string(), RankingMetrics),
    customers: z.int(),
    /**
     * How loud discoveries are beside re-orders in one list of both, learned on the validation window; 0: all re-orders
     * come first.
     */
    discoverShare: z.number().min(0).default(0),
    interval: Interval.optional(),
  }),
  window: z.object({
    /** ISO instants: the model saw nothing from `testFrom` on while it was measured. */
    trainFrom: z.string(),
    validationFrom: z.string(),
    testFrom: z.string(),
    testUntil: z.string(),
    /** Customers in the test window with no earlier purchase: not measured. */
    newCustomers: z.int(),
    /** Purchases in the test window of items never sold before it: not counted as targets. */
    newItemPurchases: z.int(),
  }),
  /** Settings tried, the baselines' among them. */
  trials: z.int(),
  /** Settings planned but not tried, because `seconds` of the configuration had passed. */
  trialsCut: z.int().min(0).default(0),
  /** Of the settings tried those that the time cap kept from a later round. Absent in reports of before. */
  trialsStopped: z.int().min(0).optional(),
  seconds: z.number(),
  /** Questions measured beside the slots, where the window has cases. Absent in reports of before. */
  derived: z.partialRecord(DerivedSlot, DerivedMetrics).optional(),
  /** Every trial with its curve. Absent in reports of before, and in the card within an artifact. */
  tried: z.array(TrialResult).optional(),
  /** Settings that could not be fitted on this data, and why; the search went on without them. Absent where there are none. */
  failed: z.array(z.object({ algorithm: AlgorithmName, options: Options, reason: z.string() })).optional(),
});
export type MetricsReport = z.infer<typeof MetricsReport>;

/** Whether a version may take traffic, check by check. */
export const GateVerdict = z.object({
  passed: z.boolean(),
  /** The text of every check, the failed ones first. */
  reasons: z.array(z.string()),
  checks: z.array(
    z.object({
      slot: SlotName,
      /** The baseline's name, or `champion`. */
      against: z.string(),
      passed: z.boolean(),
      ours: z.number(),
      theirs: z.number(),
      /** One sentence with the figures. */
      text: z.string(),
    }),
  ),
});
export type GateVerdict = z.infer<typeof GateVerdict>;

/** What a person should know before trusting the model. */
export const ModelCard = z.object({
  createdAt: z.string(),
  data: z.object({
    from: z.string(),
    until: z.string(),
    interactions: z.int(),
    customers: z.int(),
    items: z.int(),
    pairs: z.int(),
    /** Rows given but not learned from, by reason. */
    leftOut: z.record(z.string(), z.int()),
  }),
  config: z.record(z.string(), z.unknown()),
  metrics: MetricsReport,
  gate: GateVerdict,
  notes: z.array(z.string()),
});
export type ModelCard = z.infer<typeof ModelCard>;
