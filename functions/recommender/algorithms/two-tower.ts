import { z } from 'zod';
import type { Algorithm, Model, Vectors } from '../algorithm.ts';
import type { SectionReader } from '../artifact.ts';
import { recencyWeight, type Profile } from '../data.ts';
import { findOnnx } from '../onnx/runtime.ts';
import { requireLength } from '../shape.ts';
import { addInput, addSegment } from '../two-tower/embeddings.ts';
import { makeExamples, type Examples } from '../two-tower/examples.ts';
import { runTower, type Dims, type Tower } from '../two-tower/net.ts';
import { trainTowers, type Trained } from '../two-tower/train.ts';

const Options = z.strictObject({
  /** Length of what is learned of each item and of each feature; twice as much goes into a tower. */
  embedding: z.int().min(4).max(256).default(64),
  /** The layer within a tower. */
  hidden: z.int().min(4).max(1024).default(128),
  /** Length of the factors that come out. */
  output: z.int().min(4).max(256).default(64),
  /** How sharply the best item is told from others: lower is sharper. */
  temperature: z.number().min(0.01).max(1).default(0.1),
  /** Purchases that are each other's counterexamples. */
  batch: z.int().min(16).max(4096).default(512),
  /** At most; training ends before where it stops to help. */
  epochs: z.int().min(1).max(100).default(20),
  /** How far a step moves the towers. */
  pace: z.number().min(1e-5).max(0.1).default(0.003),
  halfLifeDays: z.number().min(1).max(3650).nullable().default(null),
  /** Whether categories, brands, words of names and segments of customers are learned from, where they are known. */
  features: z.boolean().default(true),
  /** The chance with which each of a customer's items speaks in a step of learning: below 1, no customer is learned by heart. */
  kept: z.number().min(0.05).max(1).default(0.5),
});
type Options = z.output<typeof Options>;

/** Of a customer only so many items speak, the newest: work grows with them. */
const ITEMS_PER_CUSTOMER = 100;
/** The share of the purchases, the newest, that is only watched, to see when to stop. */
const WATCHED = 0.05;

/** Places that the words of names share, by their hash. */
const WORDS = 1024;

/**
 * Two neural towers (two-tower/net.ts): an item is its own embedding and those of its category, its brand and the words of its
 * name; a customer is what it bought and its segment. So anybody of whom either is known has a place beside the items, and
 * serving needs no more than the customers' tower.
 */
export const twoTower: Algorithm<Options> = {
  name: 'two-tower',
  title: 'Two towers',
  effort: 'heavy',
  slots: ['discover'],
  options: Options,
  trials: (config) => {
    const base = { temperature: 0.1, halfLifeDays: null, features: true, kept: 0.5 };
    const small = { ...base, embedding: 16, hidden: 32, output: 16, batch: 256, epochs: 5, pace: 0.01 };
    if (config.preset === 'quick') return [small];
    const usual = { ...base, embedding: 64, hidden: 128, output: 64, batch: 512, epochs: 20, pace: 0.003 };
    const aged = config.halfLifeDays === null ? [] : [{ ...usual, halfLifeDays: config.halfLifeDays }];
    return [
      usual,
      { ...usual, features: false },
      ...aged,
      ...(config.preset === 'balanced'
        ? []
        : [
            { ...usual, temperature: 0.2 },
            { ...usual, embedding: 128, hidden: 256, batch: 1024, epochs: 20 },
          ]),
    ];
  },
  reduced: (options, share) => ({ ...options, epochs: Math.max(2, Math.ceil(options.epochs * share)) }),
  seconds: ({ embedding, hidden, output, epochs }, { pairs }) =>
    epochs * pairs * (4e-6 + 4e-10 * hidden * (2 * embedding + output)),
  fit: async (history, options, context) => {
    const onnx = context.onnx === undefined ? await findOnnx() : context.onnx;
    const { features, halfLifeDays } = options;
    const limits = { most: ITEMS_PER_CUSTOMER, watched: WATCHED, halfLifeDays, words: WORDS };
    const examples = makeExamples(
      history,
      features ? (context.catalogue ?? {}) : null,
      limits,
      context.random,
    );
    const trained = await trainTowers(examples, options, onnx, context);
    const segments = features ? (history.segments ?? []) : [];
    return model(finished(trained, examples, segments), halfLifeDays, history.asOf);
  },
  load: (reader, items) => {
    const { halfLifeDays, asOf, segments, ...dims } = reader.value('shape', Shape);
    return model({ dims, ...loadTowers(reader, items, dims, segments) }, halfLifeDays, asOf);
  },
};

/** What serving needs: what of each item goes into the customers' tower, that tower, and what came out for the items. */
interface Finished {
  readonly dims: Dims;
  /** Items × input. */
  readonly inputs: Float32Array;
  readonly tower: Tower;
  /** Items × output; all zero where the item took no part in learning, so nothing is known. */
  readonly factors: Float32Array;
  /** Segments of customers, and what each adds to what goes into their tower: segments × input. */
  readonly segments: readonly string[];
  readonly segmentInputs: Float32Array;
}

function finished(
  { dims, net, embeddings }: Trained,
  examples: Examples,
  segments: readonly string[],
): Finished {
  const { items, sold } = examples;
  const segmentInputs = new Float32Array(segments.length * dims.input);
  segments.forEach((_, n) => addSegment(embeddings, examples, n, segmentInputs, n * dims.input));
  const inputs = new Float32Array(items * dims.input);
  for (let item = 0; item < items; item++)
    if (sold[item]! > 0) addInput(embeddings, examples, item, 1, inputs, item * dims.input);
  const factors = Float32Array.from(runTower(net.item, inputs, items, dims));
  for (let item = 0; item < items; item++)
    if (sold[item] === 0) factors.fill(0, item * dims.output, (item + 1) * dims.output);
  return { dims, inputs, tower: net.customer, factors, segments, segmentInputs };
}

function model(made: Finished, halfLifeDays: number | null, asOf: number): Model {
  const { dims, inputs, tower, factors, segments, segmentInputs } = made;
  const d = dims.output;
  const query: Vectors['query'] = (profile) => {
    const input = profileInput(profile, made, (last) => recencyWeight(asOf - last, halfLifeDays));
    return input === null ? new Float32Array(d) : Float32Array.from(runTower(tower, input, 1, dims));
  };
  const products = (vector: Float32Array, scores: Float32Array) => {
    for (let i = 0, r = 0; i < scores.length; i++, r += d) {
      let sum = 0;
      for (let k = 0; k < d; k++) sum += factors[r + k]! * vector[k]!;
      scores[i] = sum;
    }
  };
  return {
    score: (profile, scores) => products(query(profile), scores),
    vectors: { d, factors, query },
    similar: (item, scores) => {
      products(factors.subarray(item * d, (item + 1) * d), scores);
      scores[item] = 0;
    },
    save: (writer) => {
      writer.array('inputs', inputs);
      writer.array('w1', tower.w1);
      writer.array('b1', tower.b1);
      writer.array('w2', tower.w2);
      writer.array('factors', factors);
      writer.array('segments', segmentInputs);
      const shape = { ...dims, halfLifeDays, asOf, segments: [...segments] };
      writer.value('shape', shape satisfies z.infer<typeof Shape>);
    },
  };
}

/** What goes into the customers' tower, of the newest items and the segment; null where nothing of either was learned from. */
function profileInput(
  { items, last, segment = -1 }: Profile,
  { inputs, dims: { input: width }, segments, segmentInputs }: Finished,
  weightOf: (last: number) => number,
): Float32Array | null {
  const known = [...items.keys()].filter((n) => isKnown(inputs, items[n]! * width, width));
  const newest = known.sort((a, b) => last[b]! - last[a]! || a - b).slice(0, ITEMS_PER_CUSTOMER);
  const input = new Float32Array(width);
  let squares = 0;
  for (const n of newest) squares += weightOf(last[n]!) ** 2;
  const isTold = segment >= 0 && segment < segments.length;
  if (squares === 0 && !isTold) return null;
  for (const n of newest) {
    const weight = weightOf(last[n]!) / Math.sqrt(squares);
    for (let k = 0, row = items[n]! * width; k < width; k++) input[k]! += weight * inputs[row + k]!;
  }
  if (isTold) for (let k = 0, row = segment * width; k < width; k++) input[k]! += segmentInputs[row + k]!;
  return input;
}

function isKnown(inputs: Float32Array, from: number, width: number): boolean {
  for (let k = 0; k < width; k++) if (inputs[from + k] !== 0) return true;
  return false;
}

const Shape = z.object({
  input: z.int().min(1),
  hidden: z.int().min(1),
  output: z.int().min(1),
  halfLifeDays: z.number().nullable(),
  asOf: z.number(),
  /** None in versions trained before they were learned from. */
  segments: z.array(z.string()).default([]),
});

function loadTowers(
  reader: SectionReader,
  items: number,
  { input, hidden, output }: Dims,
  segments: readonly string[],
): Omit<Finished, 'dims'> {
  const read = (name: string, length: number) => {
    const values = reader.f32(name);
    requireLength(`the two towers, ${name}`, values, length);
    return values;
  };
  return {
    inputs: read('inputs', items * input),
    factors: read('factors', items * output),
    segments,
    segmentInputs: segments.length === 0 ? new Float32Array() : read('segments', segments.length * input),
    tower: { w1: read('w1', input * hidden), b1: read('b1', hidden), w2: read('w2', hidden * output) },
  };
}
