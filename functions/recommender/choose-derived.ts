import { z } from 'zod';
import { AlgorithmName } from '#core/slot';
import type { Model } from './algorithm.ts';
import { bootstrapDifference } from './bootstrap.ts';
import {
  basketLister,
  scoreDerived,
  similarLister,
  type DerivedCase,
  type DerivedLister,
} from './derived.ts';
import type { Journal } from './journal.ts';
import { makeShelf } from './rank.ts';
import type { SearchResult } from './search.ts';
import { settingKey, type Setting } from './trial-plan.ts';
import { bestFirst } from './winner.ts';

/** Derived questions that a model of their own may answer. */
export const ANSWERED = ['similar', 'basket'] as const;
export type AnsweredSlot = (typeof ANSWERED)[number];

const Chosen = z.partialRecord(
  z.enum(ANSWERED),
  z.object({ algorithm: AlgorithmName, options: z.record(z.string(), z.unknown()) }),
);

/** What answers a derived question where that is not its default. */
export type Answers = Readonly<Partial<Record<AnsweredSlot, Setting>>>;

/** Settings that are held against a default, at most: those that did best as discoveries, fitted already. */
const FINALISTS = 3;

/**
 * Per derived question the discovery setting that answers it, out of those that came to the search's last round, by the cases
 * of the validation window: the best of those whose lead over the default lies above 0 in 95 % of resamplings. Left out where
 * none does: there the default answers, for `similar` the item neighbours, for `basket` what was chosen for discoveries.
 */
export async function chooseDerived(
  found: Pick<SearchResult, 'best' | 'cases' | 'model'>,
  cases: Readonly<Record<AnsweredSlot, readonly DerivedCase[]>>,
  defaults: Readonly<Record<AnsweredSlot, Setting>>,
  tools: { readonly journal: Journal; readonly seed: number; readonly minBuyers: number },
): Promise<Answers> {
  return tools.journal.step('choose derived', Chosen, async () => {
    const { before } = found.cases;
    const shelf = makeShelf(before, tools.minBuyers);
    const lister: Readonly<Record<AnsweredSlot, (model: Model) => DerivedLister>> = {
      similar: (model) => similarLister(model, before, shelf),
      basket: (model) => basketLister(model, before, shelf),
    };
    const all = Object.values(found.best.discover);
    const last = all.reduce((most, { rung }) => Math.max(most, rung), 0);
    const finalists = bestFirst(all.filter(({ rung, algorithm }) => rung === last && algorithm !== 'blend'));
    const chosen: z.input<typeof Chosen> = {};
    for (const slot of ANSWERED) {
      if (cases[slot].length === 0) continue;
      const theirs = await scoreDerived(cases[slot], lister[slot](await found.model(defaults[slot])));
      let best = theirs.figures.ndcg10;
      for (const { algorithm, options } of finalists.slice(0, FINALISTS)) {
        const setting = { algorithm, options };
        if (settingKey(setting) === settingKey(defaults[slot])) continue;
        const model = await found.model(setting);
        if (slot === 'similar' && model.similar === undefined) continue;
        const ours = await scoreDerived(cases[slot], lister[slot](model));
        if (ours.figures.ndcg10 <= best) continue;
        if (bootstrapDifference(ours.ndcg, theirs.ndcg, tools.seed).low <= 0) continue;
        best = ours.figures.ndcg10;
        chosen[slot] = setting;
      }
    }
    return chosen;
  });
}
