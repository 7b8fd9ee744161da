import { parentPort } from 'node:worker_threads';
import type { Model } from '../../../functions/recommender/algorithm.ts';
import { openArtifact } from '../../../functions/recommender/artifact.ts';
import { basketProfile, profileOf } from '../../../functions/recommender/data.ts';
import { makeShelf, rankMany, type Shelf } from '../../../functions/recommender/rank.ts';
import { registry } from '../../../functions/recommender/registry.ts';
import { ROWS } from '../../../functions/recommender/score-rows.ts';
import type { ListOrder } from './threads.ts';

/** Cases that a thread takes at a time where they are not scored together. */
const CHUNK = 16;

/** The model asked last. */
let loaded: { id: number; model: Model; shelf: Shelf } | undefined;

function load({ id, before, minBuyers, setting, bytes, slot, k }: ListOrder) {
  const model = registry[setting.algorithm].load(openArtifact(bytes).scope('model'), before.items);
  const shelf = makeShelf(before, minBuyers);
  // Some of what a model needs is made when it is first asked.
  rankMany(model, [basketProfile([], before)], shelf, { slot, k });
  return { id, model, shelf };
}

parentPort?.on('message', (order: ListOrder) => {
  const { before, slot, k, customers, lists, counter } = order;
  const began = performance.now();
  if (loaded?.id !== order.id) loaded = load(order);
  const loading = (performance.now() - began) / 1000;
  const { model, shelf } = loaded;
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
  parentPort?.postMessage(loading);
});
