import { ease } from '../../../functions/recommender/algorithms/ease.ts';
import type { History } from '../../../functions/recommender/data.ts';
import { withPool } from '../../../functions/recommender/kernels/pool.ts';
import { seededRandom } from '../../../functions/recommender/random.ts';
import { historyOfRows } from '../user-lines.ts';
import { makeResult, type Result } from '../report/results.ts';
import { timed } from './timing.ts';

/** A fit on `items` synthetic items, all of it: counts, inverse, rows; its reference is the same without ONNX Runtime. */
export async function easeOnItems(items: number, threads: number): Promise<Result> {
  const history = synthetic(items);
  const fit = (onnx?: null) =>
    timed(() =>
      withPool(threads, (pool) =>
        ease.fit(history, ease.options.parse({}), {
          random: seededRandom(1),
          pool,
          ...(onnx === null ? { onnx } : {}),
        }),
      ),
    );
  const [ours, reference] = [await fit(), await fit(null)];
  console.log(
    `EASE, ${items} items: ${ours.cpu.toFixed(1)} CPU s with ONNX Runtime, ${reference.cpu.toFixed(1)} without`,
  );
  return makeResult(`ease-${items / 1000}k-seconds`, 's', items, ours.seconds, reference.seconds);
}

/** Twice as many customers as items, of 5 to 34 items each: most near one another, the others among the popular. */
function synthetic(items: number): History {
  const random = seededRandom(1);
  const any = (below: number) => Math.floor(random() * below);
  const rows = Array.from({ length: 2 * items }, () => {
    const middle = any(items);
    const near = () => (middle + any(1 + any(200))) % items;
    const popular = () => any(1 + any(items));
    const bought = Array.from({ length: 5 + any(30) }, () => (random() < 0.7 ? near() : popular()));
    return Int32Array.from(new Set(bought)).sort();
  });
  return historyOfRows(rows, { customers: rows.length, items });
}
