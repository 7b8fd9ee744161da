import { type ClaimedUnit, settledUnits } from './units.ts';
import { momentOf } from './records.ts';
import type { Scope } from './scope.ts';

/** After so long without news everything is looked at again, whatever its mark. */
const RESCAN_SECONDS = 15;

/** What has been done or failed of one epoch, each unit once. */
export interface SettledFeed {
  /** Units that were not answered before; none where nothing is new. */
  next(): Promise<ClaimedUnit[]>;
}

/**
 * A feed over the epoch's units. It asks for marks from the newest one on, which is cheap; a unit may yet be settled with
 * an older mark (a task whose clock is behind, a write that took long), so from time to time it asks for all.
 */
export function openSettledFeed(place: Pick<Scope, 'store' | 'key'>, epoch: number): SettledFeed {
  const seen = new Set<string>();
  let since = '';
  let newsAt = place.store.clock();
  return {
    async next() {
      const at = place.store.clock();
      const all = at - newsAt > RESCAN_SECONDS * 1000;
      if (all) newsAt = at;
      const found = await settledUnits(place, epoch, all ? '' : since);
      const fresh = found.filter((one) => !seen.has(one.path));
      for (const { path, record } of fresh) {
        seen.add(path);
        if (momentOf(record.settled) > since) since = momentOf(record.settled);
        newsAt = at;
      }
      return fresh;
    },
  };
}
