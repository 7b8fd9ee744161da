import { z } from 'zod';
import { RankingMetrics } from '#core/metrics';
import type { SlotName } from '#core/slot';
import type { Model } from './algorithm.ts';
import { blendModel, type BlendOptions } from './algorithms/blend.ts';
import { searchWeights } from './blend-search.ts';
import { bootstrapDifference } from './bootstrap.ts';
import type { Evaluation, Goal } from './evaluate.ts';
import type { Journal } from './journal.ts';
import type { Shelf } from './rank.ts';
import { registry } from './registry.ts';
import { sampleCases, type Cases } from './split.ts';
import type { Setting } from './trial-plan.ts';
import { packFigures, unpackFigures, type Winner } from './winner.ts';

/** Algorithms that a blend is looked for among, the best first. */
const PARTS = 5;
/** Customers on whom weights are learned, at most; whether they help is seen on the others. */
const LEARN_ON = 1500;

interface BlendTools {
  readonly journal: Journal;
  readonly cases: Cases;
  readonly shelf: Shelf;
  readonly goal: Goal;
  readonly seed: number;
  readonly modelOf: (setting: Setting) => Promise<Model>;
  readonly evaluate: (setting: Setting, model: Model) => Promise<Evaluation>;
}

const Found = z.object({
  seconds: z.number(),
  /** Null: no mixture did better where the weights were learned. */
  blend: z
    .object({
      options: z.record(z.string(), z.unknown()),
      metrics: RankingMetrics,
      figure: z.number(),
      figures: z.string(),
      better: z.boolean(),
    })
    .nullable(),
});

/**
 * The best mixture of `ranked` (each algorithm's best setting, best first): weights are learned on one half of the
 * customers, and it is `better` where on the other half the interval of its lead over the best single setting lies
 * above 0. Null where no mixture did better even where it was learned.
 */
export async function findBlend(
  ranked: readonly Winner[],
  slot: SlotName,
  tools: BlendTools,
): Promise<{ winner: Winner; seconds: number; better: boolean } | null> {
  const { seconds, blend } = await tools.journal.step(`blend ${slot}`, Found, async () => {
    const began = tools.journal.elapsed();
    const found = await tryBlend(ranked.slice(0, PARTS), slot, tools);
    return { seconds: tools.journal.elapsed() - began, blend: found };
  });
  if (blend === null) return null;
  const { options, metrics, figure, figures, better } = blend;
  const winner: Winner = {
    algorithm: 'blend',
    options: registry.blend.options.parse(options),
    validation: metrics,
    figure,
    figures: unpackFigures(figures),
    rung: ranked[0]!.rung,
  };
  return { winner, seconds, better };
}

async function tryBlend(
  ranked: readonly Winner[],
  slot: SlotName,
  tools: BlendTools,
): Promise<z.infer<typeof Found>['blend']> {
  const { cases, shelf, goal, seed } = tools;
  const learning = sampleCases(cases, Math.min(LEARN_ON, Math.ceil(cases.customers.length / 2)), seed + 1);
  const models: Model[] = [];
  for (const setting of ranked) models.push(await tools.modelOf(setting));
  const weights = await searchWeights(models, learning, slot, { shelf, goal });
  const used = weights.flatMap((weight, n) => (weight > 0 ? [{ n, weight }] : []));
  if (used.length < 2) return null;
  const options: BlendOptions = {
    parts: used.map(({ n, weight }) => {
      const { algorithm, options: own } = ranked[n]!;
      if (algorithm === 'blend') throw new TypeError('a blend is no part of a blend');
      return { algorithm, options: own, weight };
    }),
  };
  const model = blendModel(
    used.map(({ n, weight }) => ({ model: models[n]!, weight })),
    options,
    cases.before.items,
  );
  const { metrics, figure, figures } = await tools.evaluate(
    { algorithm: 'blend', options: { ...options } },
    model,
  );
  const learned = new Set(learning.customers);
  const unseen = (all: Float32Array) =>
    all.map((value, n) => (learned.has(cases.customers[n]!) ? NaN : value));
  const lead = bootstrapDifference(unseen(figures), unseen(ranked[0]!.figures), seed);
  return { options: { ...options }, metrics, figure, figures: packFigures(figures), better: lead.low > 0 };
}
