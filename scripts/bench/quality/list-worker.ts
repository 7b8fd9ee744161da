import { parentPort } from 'node:worker_threads';
import { openArtifact } from '../../../functions/recommender/artifact.ts';
import { profileOf } from '../../../functions/recommender/data.ts';
import { makeShelf, rank } from '../../../functions/recommender/rank.ts';
import { registry } from '../../../functions/recommender/registry.ts';
import type { ListOrder } from './threads.ts';

/** Cases that a thread takes at a time. */
const CHUNK = 16;

parentPort?.on('message', (order: ListOrder) => {
  const { before, minBuyers, setting, bytes, slot, k, customers, lists, counter } = order;
  const model = registry[setting.algorithm].load(openArtifact(bytes).scope('model'), before.items);
  const shelf = makeShelf(before, minBuyers);
  for (;;) {
    const from = Atomics.add(counter, 0, CHUNK);
    if (from >= customers.length) break;
    for (let n = from; n < Math.min(customers.length, from + CHUNK); n++)
      rank(model, profileOf(before, customers[n]!), shelf, { slot, k }).forEach(
        ({ item }, place) => (lists[n * k + place] = item),
      );
  }
  // A thread's parent has no origin to aim at.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin
  parentPort?.postMessage('done');
});
