import { writeFileSync } from 'node:fs';
import { randomItems, trainAls } from '../../../functions/recommender/kernels/als.ts';
import { makePairs, sharedInts, type SharedSparse } from '../../../functions/recommender/kernels/pairs.ts';
import { withPool } from '../../../functions/recommender/kernels/pool.ts';
import { seededRandom } from '../../../functions/recommender/random.ts';
import { peakRssMiB } from '../report/results.ts';
import { timed } from './timing.ts';

/** What an epoch costs at one size. */
export interface Cost {
  readonly interactions: number;
  readonly customers: number;
  readonly items: number;
  readonly seconds: number;
  readonly cpu: number;
  readonly peakRssMiB: number;
}

/** One epoch at d factors on `threads` threads over synthetic data. */
export async function costOf(interactions: number, d: number, threads: number): Promise<Cost> {
  const pairs = makePairs(powerLaw(interactions));
  const { rows: customers, columns: items, index } = pairs.byRow;
  return withPool(threads, async (pool) => {
    const settings = {
      d,
      unobservedWeight: 0.01,
      regularization: 0.005,
      epochs: 1,
      solver: { name: 'exact' as const },
    };
    const start = { items: randomItems(items, d, d, seededRandom(1)) };
    const took = await timed(() => trainAls(pairs, settings, start, { pool }));
    return { interactions: index.length, customers, items, ...took, peakRssMiB: peakRssMiB() };
  });
}

/** About `interactions` different pairs of a few busy customers and popular items and many others: 50 a customer on average. */
function powerLaw(interactions: number): SharedSparse {
  const rows = Math.max(1000, Math.round(interactions / 50));
  const columns = Math.max(500, Math.min(100_000, Math.round(rows / 4)));
  const random = seededRandom(11);
  // Row lengths fall as rank^-0.5, which averages to twice the last: from 25 up to half of all items.
  const least = interactions / rows / 2;
  const index = sharedInts(Math.ceil(interactions * 1.02));
  const indptr = sharedInts(rows + 1);
  const met = new Int32Array(columns).fill(-1);
  let end = 0;
  for (let row = 0; row < rows; row++) {
    const length = Math.min(columns / 2, Math.ceil(least * Math.sqrt(rows / (row + 1)))) | 0;
    for (let n = 0; n < length && end < index.length; n++) {
      // An item drawn twice is drawn again, a few times.
      for (let attempt = 0; attempt < 4; attempt++) {
        const item = (columns * random() ** 2.5) | 0;
        if (met[item] === row) continue;
        met[item] = row;
        index[end++] = item;
        break;
      }
    }
    indptr[row + 1] = end;
  }
  return { rows, columns, indptr, index: index.subarray(0, end), weight: null };
}

/** Seconds of an epoch by interactions, both axes by powers of ten. */
export function plotCosts(file: string, costs: readonly Cost[], d: number): void {
  const [width, height, margin] = [640, 400, 60];
  const xs = costs.map(({ interactions }) => Math.log10(interactions));
  const ys = costs.map(({ seconds }) => Math.log10(seconds));
  const [left, right] = [Math.floor(Math.min(...xs)), Math.ceil(Math.max(...xs))];
  const [low, high] = [Math.floor(Math.min(...ys)), Math.ceil(Math.max(...ys))];
  const x = (value: number) => margin + ((value - left) / Math.max(1, right - left)) * (width - 2 * margin);
  const y = (value: number) =>
    height - margin - ((value - low) / Math.max(1, high - low)) * (height - 2 * margin);
  const ticks = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n);
  const line = (x1: number, y1: number, x2: number, y2: number) =>
    `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="#ccc"/>`;
  const label = (at: number, down: number, text: string, anchor: string) =>
    `<text x="${at}" y="${down}" text-anchor="${anchor}">${text}</text>`;
  const points = costs.map((_, n) => `${x(xs[n]!).toFixed(1)},${y(ys[n]!).toFixed(1)}`);
  writeFileSync(
    file,
    [
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
      `<rect width="${width}" height="${height}" fill="#fff"/>`,
      label(width / 2, 24, `Implicit ALS, ${d} factors: seconds of an epoch by interactions`, 'middle'),
      ...ticks(left, right).flatMap((power) => [
        line(x(power), y(low), x(power), y(high)),
        label(x(power), height - margin + 20, `1e${power}`, 'middle'),
      ]),
      ...ticks(low, high).flatMap((power) => [
        line(x(left), y(power), x(right), y(power)),
        label(margin - 8, y(power) + 4, String(10 ** power), 'end'),
      ]),
      `<polyline points="${points.join(' ')}" fill="none" stroke="#16a" stroke-width="2"/>`,
      ...points.map((point) => {
        const [cx, cy] = point.split(',');
        return `<circle cx="${cx}" cy="${cy}" r="4" fill="#16a"/>`;
      }),
      '</svg>\n',
    ].join('\n'),
  );
}
