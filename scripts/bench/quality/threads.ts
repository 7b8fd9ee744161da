import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import type { Model } from '../../../functions/recommender/algorithm.ts';
import { makeArtifactWriter } from '../../../functions/recommender/artifact.ts';
import type { History } from '../../../functions/recommender/data.ts';
import {
  evaluateLists,
  longestList,
  type EvaluateOptions,
  type ListOfCase,
} from '../../../functions/recommender/evaluate.ts';
import type { Cases } from '../../../functions/recommender/split.ts';
import type { Setting } from '../../../functions/recommender/trial-plan.ts';
import type { SlotName } from '../../../functions/core/slot.ts';

/** One model's lists for many customers. All arrays lie on shared memory; threads take cases from the counter. */
export interface ListOrder {
  readonly before: History;
  readonly minBuyers: number;
  readonly setting: Setting;
  /** Of the model: a thread loads one that it has just asked only once. */
  readonly id: number;
  /** The model as an artifact saves it. */
  readonly bytes: Uint8Array;
  readonly slot: SlotName;
  readonly k: number;
  readonly customers: Int32Array;
  /** Customers × k item ids, -1 where a list ends. */
  readonly lists: Int32Array;
  readonly counter: Int32Array;
}

/** Lists of all cases, made by threads, each over the model as loaded from what it saves. */
export type Listing = (
  setting: Setting,
  model: Model,
  cases: Cases,
  slot: SlotName,
  k: number,
) => Promise<Listed>;

/** The lists by case, and the seconds that it took until threads had the model. */
export interface Listed {
  readonly listOf: ListOfCase;
  readonly ready: number;
}

/** The evaluation that a search asks for, by such lists. */
export function evaluatorOf(listing: Listing) {
  return async (setting: Setting, model: Model, cases: Cases, slot: SlotName, options: EvaluateOptions) => {
    const { listOf, ready } = await listing(setting, model, cases, slot, longestList(options));
    return { ...(await evaluateLists(listOf, cases, slot, options)), ready };
  };
}

/** Gives `use` a listing on `threads`. */
export async function withListThreads<T>(
  threads: number,
  minBuyers: number,
  use: (listing: Listing) => Promise<T>,
): Promise<T> {
  const workers = Array.from(
    { length: threads },
    () => new Worker(new URL('./list-worker.ts', import.meta.url)),
  );
  const histories = new WeakMap<History, History>();
  const saved = new WeakMap<Model, { id: number; bytes: Uint8Array }>();
  let models = 0;
  const listing: Listing = async (setting, model, cases, slot, k) => {
    const began = performance.now();
    const before = histories.get(cases.before) ?? sharedHistory(cases.before);
    histories.set(cases.before, before);
    const bytes = saved.get(model) ?? { id: models++, bytes: shared(savedModel(model)) };
    saved.set(model, bytes);
    const order: ListOrder = {
      before,
      minBuyers,
      setting,
      ...bytes,
      slot,
      k,
      customers: shared(cases.customers),
      lists: new Int32Array(new SharedArrayBuffer(4 * k * cases.customers.length)).fill(-1),
      counter: new Int32Array(new SharedArrayBuffer(4)),
    };
    const saving = (performance.now() - began) / 1000;
    const loading = await Promise.all(
      workers.map(async (worker) => {
        const done = once(worker, 'message');
        // A worker thread has no origin to aim at.
        // oxlint-disable-next-line unicorn/require-post-message-target-origin
        worker.postMessage(order);
        const [seconds]: unknown[] = await done;
        return z.number().parse(seconds);
      }),
    );
    return { listOf: (n) => listAt(order, n), ready: saving + Math.max(...loading) };
  };
  try {
    return await use(listing);
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

function listAt({ lists, k }: ListOrder, n: number): number[] {
  const list = lists.subarray(n * k, (n + 1) * k);
  const end = list.indexOf(-1);
  return [...(end < 0 ? list : list.subarray(0, end))];
}

function savedModel(model: Model): Uint8Array {
  const writer = makeArtifactWriter();
  model.save(writer.scope('model'));
  return writer.finish();
}

type Shareable = Int32Array | Float32Array | Float64Array | Uint8Array;

/** `values` where threads can share them: a copy. */
function shared<A extends Shareable>(values: A): A {
  const bytes = new Uint8Array(new SharedArrayBuffer(values.byteLength));
  bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  const View = values.constructor as new (buffer: ArrayBufferLike) => A;
  return new View(bytes.buffer);
}

function sharedHistory(history: History): History {
  const { indptr, item, count, first, last, quantity, buyers } = history;
  return {
    ...history,
    indptr: shared(indptr),
    item: shared(item),
    count: shared(count),
    first: shared(first),
    last: shared(last),
    quantity: shared(quantity),
    buyers: shared(buyers),
  };
}
