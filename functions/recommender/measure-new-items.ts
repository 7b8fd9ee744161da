import type { DerivedMetrics } from '#core/metrics';
import type { Model } from './algorithm.ts';
import type { History } from './data.ts';
import { measureDerived, type DerivedCase } from './derived.ts';
import {
  completeNewItems,
  makeOwnCategories,
  newItemLister,
  rankNewItems,
  type NewItems,
} from './new-items.ts';
import type { SearchContext, SearchResult } from './search.ts';
import type { Setting } from './trial-plan.ts';

/**
 * The setting whose factors new items are completed for: what ships for discoveries where it has any, else the best implicit ALS
 * that was tried; null where there is neither.
 */
export async function settingForNewItems(
  discover: Setting,
  found: Pick<SearchResult, 'best'>,
  fits: (setting: Setting) => Promise<Model>,
): Promise<Setting | null> {
  if ((await fits(discover)).vectors !== undefined) return discover;
  const { ials } = found.best.discover;
  return ials === undefined ? null : { algorithm: ials.algorithm, options: ials.options };
}

/** The new items of `history`, completed for that setting; null where none can be. */
export async function fitNewItems(
  setting: Setting | null,
  history: History,
  fits: (setting: Setting) => Promise<Model>,
  { catalogue, pool, signal }: SearchContext,
): Promise<NewItems | null> {
  if (setting === null || catalogue === undefined) return null;
  return completeNewItems(await fits(setting), history, catalogue, { pool, ...(signal ? { signal } : {}) });
}

/** How new items are found for the customers that bought them; the baseline beside itself where nothing else can. */
export async function measureNewItems(
  cases: readonly DerivedCase<number>[],
  from: {
    readonly before: History;
    readonly discover: Setting;
    readonly found: Pick<SearchResult, 'best'>;
    readonly fits: (setting: Setting) => Promise<Model>;
  },
  context: SearchContext,
): Promise<DerivedMetrics | null> {
  if (cases.length === 0) return null;
  const { before, discover, found, fits } = from;
  const catalogue = context.catalogue ?? { keys: [], names: [] };
  const own = {
    name: 'own-categories' as const,
    list: newItemLister(before, makeOwnCategories(before, catalogue)),
  };
  const setting = await settingForNewItems(discover, found, fits);
  const completed = await fitNewItems(setting, before, fits, context);
  if (setting === null || completed === null) return measureDerived(cases, own, own, context.config.seed);
  const list = newItemLister(before, (profile, k) =>
    rankNewItems(completed, profile, k).map(({ item }) => item),
  );
  return measureDerived(cases, { name: 'content', on: setting.algorithm, list }, own, context.config.seed);
}
