import { chooseRows, fillCustomers } from './batches.ts';
import { addInput, type Embeddings } from './embeddings.ts';
import type { Examples } from './examples.ts';
import { runTower, type Dims, type Net } from './net.ts';

/** So many watched purchases are looked at, among so many items: work grows with their product. */
const MOST_PURCHASES = 512;
const MOST_ITEMS = 4096;
/** With fewer of them chance decides, and those learned last tell. */
const LEAST_PURCHASES = 16;

/**
 * Gives how well towers rank the watched purchases: the mean of 1 / log2(1 + place), each place among the items that its
 * customer had not bought before; 1 at best. (The loss tells less: it rises again long before the order gets worse, as the
 * towers grow surer of themselves.)
 */
export function makeWatch(examples: Examples, dims: Dims): (net: Net, embeddings: Embeddings) => number {
  const { learn, watch, sold, item } = examples;
  const looked = spread(
    watch.length >= LEAST_PURCHASES ? watch : learn.subarray(-MOST_PURCHASES),
    MOST_PURCHASES,
  );
  const rows = chooseRows(examples, looked, null);
  const candidates = spread(
    Int32Array.from(sold.keys()).filter((one) => sold[one]! > 0),
    MOST_ITEMS,
  );
  // Targets too must be ranked where they are not among the candidates.
  const ranked = Int32Array.from(new Set([...candidates, ...Array.from(looked, (p) => item[p]!)]));
  const places = new Map(Array.from(ranked, (one, n) => [one, n]));
  const isBought = new Int32Array(ranked.length).fill(-1);
  return (net, embeddings) => {
    const [given, offered] = [looked.length, ranked.length].map((n) => new Float32Array(n * dims.input));
    fillCustomers(examples, embeddings, rows, given!);
    ranked.forEach((one, n) => addInput(embeddings, examples, one, 1, offered!, n * dims.input));
    const customers = runTower(net.customer, given!, looked.length, dims);
    const items = runTower(net.item, offered!, ranked.length, dims);
    const score = (row: number, n: number) => {
      let sum = 0;
      for (let k = 0, a = row * dims.output, b = n * dims.output; k < dims.output; k++)
        sum += customers[a + k]! * items[b + k]!;
      return sum;
    };
    let total = 0;
    looked.forEach((purchase, row) => {
      for (let n = rows.starts[row]!; n < rows.starts[row + 1]!; n++) {
        const at = places.get(rows.items[n]!);
        if (at !== undefined) isBought[at] = row;
      }
      const target = places.get(item[purchase]!)!;
      const own = score(row, target);
      let before = 0;
      for (let n = 0; n < ranked.length; n++) {
        if (n === target || isBought[n] === row) continue;
        const other = score(row, n);
        // Of equals each is as likely to come first.
        before += other > own ? 1 : other === own ? 0.5 : 0;
      }
      total += 1 / Math.log2(2 + before);
    });
    isBought.fill(-1);
    return total / looked.length;
  };
}

/** At most `most` of the values, evenly from all. */
function spread(values: Int32Array, most: number): Int32Array {
  if (values.length <= most) return values;
  return Int32Array.from({ length: most }, (_, n) => values[Math.floor((n * values.length) / most)]!);
}
