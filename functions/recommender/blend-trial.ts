import { z } from 'zod';
import { RankingMetrics } from '#core/metrics';
import type { SlotName } from '#core/slot';
import type { Model } from './algorithm.ts';
import type { BlendOptions } from './algorithms/blend.ts';
import { gatherCases, learnWeights, mixedList, type BlendCase } from './blend-search.ts';
import { bootstrapDifference } from './bootstrap.ts';
import { profileOf } from './data.ts';
import { evaluateLists, type Goal } from './evaluate.ts';
import type { Journal } from './journal.ts';
import { seededRandom } from './random.ts';
import { fillList, type Shelf } from './rank.ts';
import { registry } from './registry.ts';
import { sampleCases, type Cases } from './split.ts';
import type { Setting } from './trial-plan.ts';
import { packFigures, spreadFigures, unpackFigures, type Winner } from './winner.ts';

interface BlendTools {
  readonly journal: Journal;
  readonly cases: Cases;
  readonly shelf: Shelf;
  readonly goal: Goal;
  readonly seed: number;
  /** Customers that weights are learned on, at most. */
  readonly customers: number;
  /** List lengths to report. */
  readonly k: readonly number[];
  readonly modelOf: (setting: Setting) => Promise<Model>;
}

const Found = z.object({
  seconds: z.number(),
  /** Null: no mixture did better where the weights were learned. */
  blend: z
    .object({
      options: z.record(z.string(), z.unknown()),
      metrics: RankingMetrics,
      customers: z.int(),
      figure: z.number(),
      figures: z.string(),
      better: z.boolean(),
    })
    .nullable(),
});

/**
 * The best mixture of `ranked` (each algorithm's best setting, best first). Its weights are learned on all asked customers, its
 * figures by two folds: each half is listed with the weights that the other half taught. It is `better` where the interval
 * of that lead over the best single setting lies above 0. Null where no mixture did better even where it was learned.
 */
export async function findBlend(
  ranked: readonly Winner[],
  slot: SlotName,
  tools: BlendTools,
): Promise<{ winner: Winner; seconds: number; customers: number; better: boolean } | null> {
  const { seconds, blend } = await tools.journal.step(`blend ${slot}`, Found, async () => {
    const began = tools.journal.elapsed();
    const found = await tryBlend(ranked, slot, tools);
    return { seconds: tools.journal.elapsed() - began, blend: found };
  });
  if (blend === null) return null;
  const { options, metrics, customers, figure, figures, better } = blend;
  const winner: Winner = {
    algorithm: 'blend',
    options: registry.blend.options.parse(options),
    validation: metrics,
    figure,
    figures: unpackFigures(figures),
    rung: ranked[0]!.rung,
  };
  return { winner, seconds, customers, better };
}

async function tryBlend(
  ranked: readonly Winner[],
  slot: SlotName,
  tools: BlendTools,
): Promise<z.infer<typeof Found>['blend']> {
  const { shelf, goal, seed } = tools;
  const cases = sampleCases(tools.cases, tools.customers, seed + 1);
  const models: Model[] = [];
  for (const setting of ranked) models.push(await tools.modelOf(setting));
  const gathered = await gatherCases(models, cases, slot, { shelf });
  const used = learnWeights(gathered, goal).flatMap((weight, n) => (weight > 0 ? [{ n, weight }] : []));
  if (used.length < 2) return null;
  const options: BlendOptions = {
    parts: used.map(({ n, weight }) => {
      const { algorithm, options: own } = ranked[n]!;
      if (algorithm === 'blend') throw new TypeError('a blend is no part of a blend');
      return { algorithm, options: own, weight };
    }),
  };
  const lists = crossFitted(gathered, goal, seed);
  const listOf = (n: number, k: number) =>
    fillList(lists(n, k), profileOf(cases.before, cases.customers[n]!), shelf, { slot, k });
  const measured = await evaluateLists(listOf, cases, slot, { k: tools.k, catalogue: shelf.items, goal });
  const figures = spreadFigures(measured.figures, cases.customers, tools.cases.customers);
  const { metrics, customers, figure } = measured;
  const lead = bootstrapDifference(figures, ranked[0]!.figures, seed);
  const better = lead.low > 0;
  return { options: { ...options }, metrics, customers, figure, figures: packFigures(figures), better };
}

/** Lists by case, each by the weights that the half it is not in has taught. */
function crossFitted(gathered: readonly BlendCase[], goal: Goal, seed: number) {
  const random = seededRandom(seed);
  const halves = gathered.map((one) => ({ one, first: random() < 0.5 }));
  const learn = (first: boolean) =>
    learnWeights(
      halves.filter((half) => half.first === first).map(({ one }) => one),
      goal,
    );
  const [byFirst, bySecond] = [learn(true), learn(false)];
  const known = new Map(
    halves.map(({ one, first }) => [one.n, { one, weights: first ? bySecond : byFirst }]),
  );
  return (n: number, k: number): number[] => {
    const found = known.get(n);
    return found ? mixedList(found.one, found.weights, k) : [];
  };
}
