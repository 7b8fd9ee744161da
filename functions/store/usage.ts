import type { Write } from '#cloud/firestore';
import { paths } from '#core/paths';
import { addAmounts, type Amounts, monthOf, NOTHING_USED, RunUsage } from '#core/usage';
import { readAll } from './document.ts';
import type { Store } from './store.ts';

/**
 * The write that records what a run used, for the batch that ends the run. A document for each run: the same write twice
 * counts once, and no counter is shared.
 */
export function usageWrite(tenant: string, usage: RunUsage): Write {
  return {
    kind: 'set',
    path: paths.runUsage(tenant, monthOf(usage.endedAt), usage.run),
    data: { ...usage, amounts: { ...usage.amounts } },
  };
}

/** Records what a run used, by itself. Harmless to repeat. */
export async function recordUsage(store: Pick<Store, 'db'>, tenant: string, usage: RunUsage): Promise<void> {
  await store.db.commit([usageWrite(tenant, usage)]);
}

/** Runs read at a time. */
const PAGE = 500;

/** What all runs used that ended in `month` (`2026-11`), by kind. */
export async function readUsage(
  store: Pick<Store, 'db'>,
  tenant: string,
  month: string,
): Promise<Record<RunUsage['kind'], { readonly runs: number; readonly amounts: Amounts }>> {
  const sums = { etl: { runs: 0, amounts: NOTHING_USED }, pipeline: { runs: 0, amounts: NOTHING_USED } };
  const collection = paths.runUsages(tenant, month);
  for (let after: string | undefined; ;) {
    const page = await readAll(store, collection, RunUsage, {
      limit: PAGE,
      ...(after === undefined ? {} : { after }),
    });
    for (const { kind, amounts } of page) {
      const former = sums[kind];
      sums[kind] = { runs: former.runs + 1, amounts: addAmounts(former.amounts, amounts) };
    }
    if (page.length < PAGE) return sums;
    after = `${collection}/${page.at(-1)?.run}`;
  }
}
