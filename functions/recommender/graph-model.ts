import { z } from 'zod';
import type { Model } from './algorithm.ts';
import type { SectionReader } from './artifact.ts';
import { recencyWeight, type Profile } from './data.ts';
import { makeArena } from './kernels/arena.ts';
import { BLOCK, filterBlock, filterRoom, packSpread, type FilterSpace } from './kernels/filter-rows.ts';
import { makeGraph, placeFloats, placeGraph, type Graph } from './kernels/graph.ts';
import type { Kernels } from './kernels/wasm.ts';
import { requireLength, requireRows } from './shape.ts';

/** A graph filter (kernels/filter-rows.ts has the formula) that is computed when asked, over the graph itself. */
export interface GraphFilter {
  readonly graph: Graph;
  /** c₀ … of the polynomial; at least one. */
  readonly coefficients: readonly number[];
  /** A multiple of 4; 0: no low pass. */
  readonly rank: number;
  /** Items × rank each. */
  readonly gather: Float32Array;
  readonly spread: Float32Array;
}

/** A model that keeps its filter. */
export interface GraphModel extends Model {
  readonly filter: GraphFilter;
  readonly asOf: number;
  scoreMany(profiles: readonly Profile[], scores: Float32Array): void;
}

/** Scores of `filter`; a purchase counts by its age where a half-life is given. `asOf` in days since 1970. */
export function graphModel(filter: GraphFilter, halfLifeDays: number | null, asOf: number): GraphModel {
  const { graph, coefficients, rank, gather, spread } = filter;
  const weightOf = (profile: Profile, n: number) => recencyWeight(asOf - profile.last[n]!, halfLifeDays);
  const polynomial = makePolynomial(graph, coefficients);
  // Its memory is claimed when first asked: a model that is only fitted and saved needs none.
  let made: Scorer | undefined;
  const scorer = () => (made ??= makeScorer(filter));
  const score = (profile: Profile, scores: Float32Array) => {
    const weights = Float32Array.from(profile.items, (_, n) => weightOf(profile, n));
    polynomial(profile.items, weights, scores);
    if (rank > 0) scorer().addLowPass(profile.items, weights, scores);
  };
  return {
    filter,
    asOf,
    score,
    scoreMany: (profiles, scores) => {
      for (let from = 0; from < profiles.length; from += BLOCK) {
        const block = profiles.slice(from, from + BLOCK);
        scorer().block(block, weightOf, scores.subarray(from * graph.items));
      }
    },
    similar: (item, scores) => {
      polynomial(Int32Array.of(item), Float32Array.of(1), scores);
      if (rank > 0) scorer().addLowPass(Int32Array.of(item), Float32Array.of(1), scores);
      scores[item] = 0;
    },
    contributions: (profile, item) => {
      // The polynomial is symmetric, so what spreads from the item tells what every other gives to it.
      const towards = new Float32Array(graph.items);
      polynomial(Int32Array.of(item), Float32Array.of(1), towards);
      return Float32Array.from(profile.items, (other, n) => {
        let sum = towards[other]!;
        for (let t = 0; t < rank; t++) sum += gather[other * rank + t]! * spread[item * rank + t]!;
        return sum * weightOf(profile, n);
      });
    },
    save: (writer) => {
      writer.array('indptr', graph.byCustomer.indptr);
      writer.array('index', graph.byCustomer.index);
      writer.array('gather', gather);
      writer.array('spread', spread);
      writer.value('shape', {
        kind: 'graph',
        customers: graph.customers,
        coefficients: [...coefficients],
        rank,
        halfLifeDays,
        asOf,
      } satisfies z.input<typeof Shape>);
    },
  };
}

/** Σ c_t Pᵗ⁺¹ r for one profile, on arrays of its own. */
function makePolynomial({ items, customers, ...graph }: Graph, coefficients: readonly number[]) {
  const power = new Float32Array(items);
  const middle = new Float32Array(customers);
  return (index: Int32Array, weights: Float32Array, scores: Float32Array): void => {
    power.fill(0);
    scores.fill(0);
    for (let n = 0; n < index.length; n++) power[index[n]!] = weights[n]!;
    for (const coefficient of coefficients) {
      pass(graph, power, middle);
      for (let i = 0; i < items; i++) scores[i]! += coefficient * power[i]!;
    }
  };
}

/** x = R̃ᵀR̃ x, leaving out what nothing leads to. */
function pass(
  { byCustomer, byItem, customerScale, itemScale }: Omit<Graph, 'items' | 'customers'>,
  x: Float32Array,
  middle: Float32Array,
): void {
  middle.fill(0);
  for (let i = 0; i < x.length; i++) {
    const value = x[i]! * itemScale[i]!;
    if (value === 0) continue;
    for (let p = byItem.indptr[i]!; p < byItem.indptr[i + 1]!; p++) middle[byItem.index[p]!]! += value;
  }
  x.fill(0);
  for (let c = 0; c < middle.length; c++) {
    const value = middle[c]! * customerScale[c]! ** 2;
    if (value === 0) continue;
    for (let p = byCustomer.indptr[c]!; p < byCustomer.indptr[c + 1]!; p++) x[byCustomer.index[p]!]! += value;
  }
  for (let i = 0; i < x.length; i++) x[i]! *= itemScale[i]!;
}

/** A filter in memory of its own, where the compiled kernels work. */
interface Scorer {
  addLowPass(index: Int32Array, weights: Float32Array, scores: Float32Array): void;
  /** Up to BLOCK profiles into rows of `scores`. */
  block(
    profiles: readonly Profile[],
    weightOf: (profile: Profile, n: number) => number,
    scores: Float32Array,
  ): void;
}

function makeScorer({ graph, coefficients, rank, gather, spread }: GraphFilter): Scorer {
  const { items } = graph;
  const arena = makeArena(0, 1);
  const code = arena.floats(rank);
  const groups = Math.ceil(items / 4);
  const sums = arena.floats(groups * 4);
  const packed = packSpread(spread, items, rank, arena);
  let space: FilterSpace | undefined;
  const placed = (): FilterSpace => ({
    graph: placeGraph(graph, arena),
    coefficients,
    rank,
    gather: placeFloats(gather, arena),
    spread: packed,
    room: arena.perThread(filterRoom(graph, rank)),
  });
  return {
    addLowPass: (index, weights, scores) => {
      code.fill(0);
      for (let n = 0; n < index.length; n++)
        for (let t = 0, row = index[n]! * rank; t < rank; t++) code[t]! += weights[n]! * gather[row + t]!;
      sums.set(scores);
      arena.kernels.subtractGroups(sums.byteOffset, packed, code.byteOffset, rank, groups);
      scores.set(sums.subarray(0, items));
    },
    block: (profiles, weightOf, scores) => {
      space ??= placed();
      const at = filterBlock(arena.kernels, space, space.room.at, (entry) => {
        profiles.forEach((profile, column) =>
          profile.items.forEach((item, n) => entry(column, item, weightOf(profile, n))),
        );
      });
      copyColumns(arena.kernels, at, profiles.length, items, scores);
    },
  };
}

/** Rows of `scores` from the columns of a block, in squares that stay in the cache. */
function copyColumns(
  { memory }: Kernels,
  at: number,
  columns: number,
  items: number,
  scores: Float32Array,
): void {
  const floats = new Float32Array(memory.buffer, at, items * BLOCK);
  for (let from = 0; from < items; from += 64)
    for (let column = 0; column < columns; column++)
      for (let i = from; i < Math.min(items, from + 64); i++)
        scores[column * items + i] = floats[i * BLOCK + column]!;
}

const Shape = z.object({
  kind: z.literal('graph'),
  customers: z.int().min(0),
  coefficients: z.array(z.number()).min(1),
  rank: z.int().min(0).multipleOf(4),
  halfLifeDays: z.number().nullable(),
  asOf: z.number(),
});

/** What `save` wrote, for `items` items; TerminalError `artifact-damaged` where its arrays do not fit together. */
export function loadGraphModel(reader: SectionReader, items: number): GraphModel {
  const { customers, coefficients, rank, halfLifeDays, asOf } = reader.value('shape', Shape);
  const [indptr, index] = [reader.i32('indptr'), reader.i32('index')];
  requireRows('the graph', { indptr, index }, customers, items);
  const [gather, spread] = [reader.f32('gather'), reader.f32('spread')];
  requireLength('the low pass of the graph, what it gathers', gather, items * rank);
  requireLength('the low pass of the graph, what it spreads', spread, items * rank);
  const weight = new Float32Array(index.length);
  const graph = makeGraph({ rows: customers, columns: items, indptr, index, weight });
  return graphModel({ graph, coefficients, rank, gather, spread }, halfLifeDays, asOf);
}
