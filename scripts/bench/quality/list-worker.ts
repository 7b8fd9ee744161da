import { parentPort } from 'node:worker_threads';
import { openArtifact } from '../../../functions/recommender/artifact.ts';
import { profileOf } from '../../../functions/recommender/data.ts';
import { makeShelf, rankMany } from '../../../functions/recommender/rank.ts';
import { registry } from '../../../functions/recommender/registry.ts';
import { ROWS } from '../../../functions/recommender/score-rows.ts';
import type { ListOrder } from './threads.ts';

/** Cases that a thread takes at a time where they are not scored together. */
const CHUNK = 16;

parentPort?.on('message', (order: ListOrder) => {
  const { before, minBuyers, setting, bytes, slot, k, customers, lists, counter } = order;
  const model = registry[setting.algorithm].load(openArtifact(bytes).scope('model'), before.items);
  const shelf = makeShelf(before, minBuyers);
  const chunk = model.scoreMany === undefined ? CHUNK : ROWS;
  for (;;) {
    const from = Atomics.add(counter, 0, chunk);
    if (from >= customers.length) break;
    const profiles = Array.from(customers.subarray(from, from + chunk), (c) => profileOf(before, c));
    rankMany(model, profiles, shelf, { slot, k }).forEach((list, row) =>
      list.forEach(({ item }, place) => (lists[(from + row) * k + place] = item)),
    );
  }
  // A thread's parent has no origin to aim at.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin
  parentPort?.postMessage('done');
});
