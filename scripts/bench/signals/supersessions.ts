import { finish } from '../../../functions/recommender/steps.ts';
import { buildHistory } from '../../../functions/recommender/data.ts';
import { openJournal } from '../../../functions/recommender/signals/journal.ts';
import { findSupersessions } from '../../../functions/recommender/signals/supersessions.ts';
import { demoOrderLines } from '../demo-lines.ts';
import { shareOf, type Figure, type Scene } from './scene.ts';

/**
 * Whether the planted successors are found where the data set does not name them. Counted are supersessions of which both
 * articles were sold at all. Beside it: without names, from purchases alone.
 */
export function measureSupersessions({ seed, truths, size }: Scene): Figure[] {
  const { interactions, items } = demoOrderLines({ seed, fold: false });
  const { history } = buildHistory(interactions, size);
  const journal = finish(openJournal(interactions, history));
  const sold = (sku: string) => (history.buyers[items.keys.indexOf(sku)] ?? 0) > 0;
  const planted = new Map(
    truths.supersessions
      .filter(({ old, successor }) => sold(old) && sold(successor))
      .map(({ old, successor }) => [old, successor]),
  );
  const count = (names: readonly (string | null)[]) => {
    const found = finish(findSupersessions(journal, { ...items, names }));
    const hits = found.filter(
      ({ ended, successor }) => planted.get(items.keys[ended] ?? '') === items.keys[successor],
    );
    return {
      precision: shareOf(hits.length, found.length),
      recall: shareOf(hits.length, planted.size),
      found: found.length,
    };
  };
  const named = count(items.names);
  const nameless = count(items.names.map(() => null));
  const beside = { unit: 'share', against: 'without names' } as const;
  return [
    {
      name: 'supersession-precision',
      value: named.precision,
      reference: nameless.precision,
      n: named.found,
      ...beside,
    },
    {
      name: 'supersession-recall',
      value: named.recall,
      reference: nameless.recall,
      n: planted.size,
      ...beside,
    },
  ];
}
