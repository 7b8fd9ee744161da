import { setImmediate } from 'node:timers/promises';
import type { FitContext } from '../algorithm.ts';
import type { Onnx } from '../onnx/runtime.ts';
import type { Random } from '../random.ts';
import { chooseRows, fillBatch, pullBatch } from './batches.ts';
import { makeEmbeddings, moveRows, type Embeddings } from './embeddings.ts';
import type { Examples } from './examples.ts';
import {
  makeGradients,
  makeNet,
  plainStep,
  type Batch,
  type Dims,
  type Gradients,
  type Net,
  type Stepper,
} from './net.ts';
import { onnxStepper } from './onnx-step.ts';
import { makeWatch } from './watch.ts';

export interface TowerOptions {
  readonly embedding: number;
  readonly hidden: number;
  readonly output: number;
  readonly temperature: number;
  readonly batch: number;
  readonly epochs: number;
  /** Of the towers (Adam); embeddings move twenty times as far. */
  readonly pace: number;
  /** The chance with which each of a customer's items speaks in a step. */
  readonly kept: number;
}

/** Both towers and what goes into them, as they were when they did best on the watched purchases. */
export interface Trained {
  readonly dims: Dims;
  readonly net: Net;
  readonly embeddings: Embeddings;
}

/** Epochs without a better ranking of the watched purchases after which training ends. */
const PATIENCE = 3;
/** With fewer rows there are too few counterexamples. */
const SMALLEST = 16;

/**
 * Trains until the watched purchases have not been ranked better for three epochs, and gives back what was best. The same
 * random stream gives the same towers, whatever the number of threads; without ONNX Runtime up to rounding.
 */
export async function trainTowers(
  examples: Examples,
  options: TowerOptions,
  onnx: Onnx | null,
  { random, pool, signal, onProgress }: FitContext,
): Promise<Trained> {
  const dims: Dims = { input: 2 * options.embedding, hidden: options.hidden, output: options.output };
  const embeddings = makeEmbeddings(examples, options.embedding, random);
  const net = makeNet(dims, random);
  // Of few purchases small batches: an epoch of one or two steps would teach nothing.
  const few = Math.max(SMALLEST, examples.learn.length >> 4);
  const size = Math.min(options.batch, few, examples.learn.length);
  if (size < 2) return { dims, net, embeddings };
  const stepper =
    onnx === null
      ? plainStepper(dims, options.temperature)
      : await onnxStepper(onnx, dims, options.temperature, size, pool.threads);
  const rankWatched = makeWatch(examples, dims);
  const { batch, gradients } = makeWork(dims, size);
  const adam = makeAdam(net, options.pace);
  let best = { figure: -Infinity, net: copyOf(net), rows: embeddings.rows.slice() };
  try {
    for (let epoch = 0, worse = 0; epoch < options.epochs && worse < PATIENCE; epoch++) {
      const order = shuffled(examples.learn, random);
      for (let from = 0; from + size <= order.length; from += size) {
        const rows = chooseRows(examples, order.subarray(from, from + size), { ...options, random });
        fillBatch(examples, embeddings, rows, batch);
        await stepper.step(net, batch, gradients);
        pullBatch(examples, embeddings, rows, gradients);
        adam(gradients.net);
        moveRows(embeddings, 20 * options.pace, size);
        await breathe(from / size, signal);
      }
      const figure = rankWatched(net, embeddings);
      worse = figure > best.figure ? 0 : worse + 1;
      if (worse === 0) best = { figure, net: copyOf(net), rows: embeddings.rows.slice() };
      onProgress?.((epoch + 1) / options.epochs);
    }
  } finally {
    await stepper.close();
  }
  // A step of its own: no sum of features is as these rows have it.
  return { dims, net: best.net, embeddings: { ...embeddings, rows: best.rows, step: embeddings.step + 1 } };
}

function makeWork(dims: Dims, size: number): { batch: Batch; gradients: Gradients } {
  const rows = () => new Float32Array(size * dims.input);
  return {
    batch: {
      size,
      customers: rows(),
      items: rows(),
      ids: new Int32Array(size),
      logQ: new Float32Array(size),
    },
    gradients: makeGradients(dims, size),
  };
}

const plainStepper = (dims: Dims, temperature: number): Stepper => ({
  step: async (net, batch, into) => plainStep(net, batch, into, dims, temperature),
  close: async () => {},
});

async function breathe(step: number, signal: AbortSignal | undefined): Promise<void> {
  if (step % 16 !== 15) return;
  await setImmediate();
  signal?.throwIfAborted();
}

function shuffled(values: Int32Array, random: Random): Int32Array {
  const order = values.slice();
  for (let n = order.length - 1; n > 0; n--) {
    const other = Math.floor(random() * (n + 1));
    const swap = order[n]!;
    order[n] = order[other]!;
    order[other] = swap;
  }
  return order;
}

const parts = ({ customer, item }: Net) => [customer, item].flatMap(({ w1, b1, w2 }) => [w1, b1, w2]);

function copyOf({ customer, item }: Net): Net {
  const tower = ({ w1, b1, w2 }: Net['item']) => ({ w1: w1.slice(), b1: b1.slice(), w2: w2.slice() });
  return { customer: tower(customer), item: tower(item) };
}

/** Adam (Kingma and Ba 2015) on the parameters of `net`: call it with the gradients of each step. */
function makeAdam(net: Net, pace: number): (gradients: Net) => void {
  const memory = parts(net).map((part) => ({
    mean: new Float32Array(part.length),
    square: new Float32Array(part.length),
  }));
  let step = 0;
  return (gradients) => {
    step++;
    const [meanScale, squareScale] = [1 / (1 - 0.9 ** step), 1 / (1 - 0.999 ** step)];
    const pulls = parts(gradients);
    parts(net).forEach((part, n) => {
      const { mean, square } = memory[n]!;
      const pull = pulls[n]!;
      for (let k = 0; k < part.length; k++) {
        mean[k] = 0.9 * mean[k]! + 0.1 * pull[k]!;
        square[k] = 0.999 * square[k]! + 0.001 * pull[k]! * pull[k]!;
        part[k]! -= (pace * meanScale * mean[k]!) / (Math.sqrt(squareScale * square[k]!) + 1e-8);
      }
    });
  };
}
