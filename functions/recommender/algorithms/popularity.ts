import { z } from 'zod';
import type { Algorithm, Model } from '../algorithm.ts';
import type { SectionReader, SectionWriter } from '../artifact.ts';
import { recencyWeight, type History } from '../data.ts';
import { requireLength, requireRows } from '../shape.ts';

const Options = z.strictObject({
  /** A buyer counts half for every so many days since the last purchase; null: every buyer counts the same. */
  halfLifeDays: z.number().min(1).max(3650).nullable().default(null),
  /**
   * Where given, a customer is offered what its own segment buys. What all customers buy counts in it like so many customers
   * of the segment: few buyers say little.
   */
  segmentPrior: z.number().min(1).max(10_000).optional(),
});
type Options = z.output<typeof Options>;

/** What all customers count for within a segment. On the demo wholesaler 3 to 30 do alike, 100 does worse. */
const PRIOR = 10;

/**
 * What most customers bought: the baseline of discovery, and the answer for strangers. By segment it is more than the
 * baseline: `(buyers in the segment + prior · share of all) / (customers of the segment + prior)`, the mean of a beta
 * distribution around the share of all, times all customers, so that both forms count alike.
 */
export const popularity: Algorithm<Options> = {
  name: 'popularity',
  title: 'Popularity',
  effort: 'light',
  slots: ['reorder', 'discover'],
  options: Options,
  trials: (config, { segments }) => {
    const { halfLifeDays } = config;
    const all = [
      { halfLifeDays: null },
      ...(halfLifeDays === null ? [] : [{ halfLifeDays }, { halfLifeDays: Math.max(1, halfLifeDays / 4) }]),
    ];
    // Of one segment everybody is.
    const bySegment = (segments?.length ?? 0) > 1;
    return [...all, ...(bySegment ? all.map((options) => ({ ...options, segmentPrior: PRIOR })) : [])];
  },
  isBaselineForm: ({ segmentPrior }) => segmentPrior === undefined,
  fit: async (history, { halfLifeDays, segmentPrior }) => {
    const weight = (p: number) => recencyWeight(history.asOf - history.last[p]!, halfLifeDays);
    const buyers = new Float32Array(history.items);
    for (let p = 0; p < history.item.length; p++) buyers[history.item[p]!]! += weight(p);
    return segmentPrior === undefined
      ? overall(buyers)
      : segmented(buyers, bySegment(history, segmentPrior, weight));
  },
  load: (reader, items) => {
    const buyers = reader.f32('buyers');
    requireLength('popularity', buyers, items);
    const { segments } = reader.value('shape', Shape);
    return segments === 0 ? overall(buyers) : segmented(buyers, loadRows(reader, segments, items));
  },
};

/** How many segments there are; nothing is written where all customers count alike. */
const Shape = z.object({ segments: z.int().min(0) }).default({ segments: 0 });

function overall(buyers: Float32Array): Model {
  return {
    score: (_profile, scores) => scores.set(buyers),
    save: (writer) => writer.array('buyers', buyers),
  };
}

/** The score of an item in segment s: `base[s]` × its buyers among all, plus what its row says. */
interface Rows {
  readonly base: Float32Array;
  readonly indptr: Int32Array;
  readonly item: Int32Array;
  readonly more: Float32Array;
}

function segmented(buyers: Float32Array, rows: Rows): Model {
  const { base, indptr, item, more } = rows;
  return {
    score: ({ segment = -1 }, scores) => {
      const share = base[segment];
      if (share === undefined) {
        scores.set(buyers);
        return;
      }
      for (let i = 0; i < scores.length; i++) scores[i] = share * buyers[i]!;
      for (let p = indptr[segment]!; p < indptr[segment + 1]!; p++) scores[item[p]!]! += more[p]!;
    },
    save: (writer: SectionWriter) => {
      writer.array('buyers', buyers);
      writer.value('shape', { segments: base.length } satisfies z.infer<typeof Shape>);
      for (const name of ['base', 'indptr', 'item', 'more'] as const)
        writer.array(`segments/${name}`, rows[name]);
    },
  };
}

function loadRows(reader: SectionReader, segments: number, items: number): Rows {
  const rows: Rows = {
    base: reader.f32('segments/base'),
    indptr: reader.i32('segments/indptr'),
    item: reader.i32('segments/item'),
    more: reader.f32('segments/more'),
  };
  requireLength('popularity by segment', rows.base, segments);
  requireRows('popularity by segment', { indptr: rows.indptr, index: rows.item }, segments, items);
  requireLength('popularity by segment, its counts', rows.more, rows.item.length);
  return rows;
}

/** Only who bought counts, among all as in a segment; sums go by ascending customer, so that they are the same each time. */
function bySegment(history: History, prior: number, weight: (p: number) => number): Rows {
  const { indptr: starts, segment: segmentOf } = history;
  const count = history.segments?.length ?? 0;
  const members = Array.from({ length: count }, (): number[] => []);
  let customers = 0;
  for (let c = 0; c < history.customers; c++) {
    if (starts[c] === starts[c + 1]) continue;
    customers++;
    members[segmentOf?.[c] ?? -1]?.push(c);
  }
  const base = new Float32Array(count);
  const indptr = new Int32Array(count + 1);
  const items: number[] = [];
  const more: number[] = [];
  const sums = new Float64Array(history.items);
  members.forEach((own, s) => {
    base[s] = prior / (own.length + prior);
    const bought = new Set<number>();
    for (const c of own)
      for (let p = starts[c]!; p < starts[c + 1]!; p++) {
        sums[history.item[p]!]! += weight(p);
        bought.add(history.item[p]!);
      }
    for (const i of [...bought].toSorted((a, b) => a - b)) {
      items.push(i);
      more.push((customers / (own.length + prior)) * sums[i]!);
      sums[i] = 0;
    }
    indptr[s + 1] = items.length;
  });
  return { base, indptr, item: Int32Array.from(items), more: Float32Array.from(more) };
}
