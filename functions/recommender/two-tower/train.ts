import { setImmediate } from 'node:timers/promises';
import type { FitContext } from '../algorithm.ts';
import type { Onnx } from '../onnx/runtime.ts';
import type { Random } from '../random.ts';
import { addInput, addPull, makeEmbeddings, moveRows, type Embeddings } from './embeddings.ts';
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

export interface TowerOptions {
  readonly embedding: number;
  readonly hidden: number;
  readonly output: number;
  readonly temperature: number;
  readonly batch: number;
  readonly epochs: number;
  /** Of the towers (Adam); embeddings move twenty times as far. */
  readonly pace: number;
}

/** Both towers and what goes into them, as they were when they did best on the watched purchases. */
export interface Trained {
  readonly dims: Dims;
  readonly net: Net;
  readonly embeddings: Embeddings;
}

/** Epochs without a better loss on the watched purchases after which training ends. */
const PATIENCE = 2;
/** With fewer rows there are too few counterexamples. */
const SMALLEST = 16;

/**
 * Trains until the loss on the watched purchases has not fallen for two epochs, and gives back what was best. The same
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
  const work = { examples, embeddings, net, stepper, ...makeWork(dims, size) };
  const adam = makeAdam(net, options.pace);
  let best = { loss: Infinity, net: copyOf(net), rows: embeddings.rows.slice() };
  try {
    for (let epoch = 0, worse = 0; epoch < options.epochs && worse < PATIENCE; epoch++) {
      const order = shuffled(examples.learn, random);
      for (let from = 0; from + size <= order.length; from += size) {
        await learnFrom(work, order.subarray(from, from + size));
        adam(work.gradients.net);
        moveRows(embeddings, 20 * options.pace, size);
        await breathe(from / size, signal);
      }
      const loss = await watchedLoss(work);
      worse = loss < best.loss ? 0 : worse + 1;
      if (worse === 0) best = { loss, net: copyOf(net), rows: embeddings.rows.slice() };
      onProgress?.((epoch + 1) / options.epochs);
    }
  } finally {
    await stepper.close();
  }
  return { dims, net: best.net, embeddings: { ...embeddings, rows: best.rows } };
}

interface Work {
  readonly examples: Examples;
  readonly embeddings: Embeddings;
  readonly net: Net;
  readonly stepper: Stepper;
  readonly batch: Batch;
  readonly gradients: Gradients;
}

function makeWork(dims: Dims, size: number): Pick<Work, 'batch' | 'gradients'> {
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

/** Fills the batch with `purchases`: what the customer bought but the item itself, and the item. */
function fill({ examples, embeddings, batch }: Work, purchases: Int32Array): void {
  const width = 2 * embeddings.width;
  batch.customers.fill(0);
  batch.items.fill(0);
  purchases.forEach((p, row) => {
    const item = examples.item[p]!;
    batch.ids[row] = item;
    batch.logQ[row] = Math.log((batch.size * Math.max(1, examples.sold[item]!)) / examples.learn.length);
    addInput(embeddings, examples, item, 1, batch.items, row * width);
    eachOther(examples, p, (other, weight) =>
      addInput(embeddings, examples, other, weight, batch.customers, row * width),
    );
  });
}

/** The other items of a purchase's customer, weighted so that the sum is as long for many as for few. */
function eachOther(
  { indptr, item, weight, customerOf }: Examples,
  purchase: number,
  visit: (item: number, weight: number) => void,
): void {
  const [from, to] = [indptr[customerOf[purchase]!]!, indptr[customerOf[purchase]! + 1]!];
  let squares = 0;
  for (let p = from; p < to; p++) if (p !== purchase) squares += weight[p]! ** 2;
  if (squares === 0) return;
  const scale = 1 / Math.sqrt(squares);
  for (let p = from; p < to; p++) if (p !== purchase) visit(item[p]!, scale * weight[p]!);
}

async function learnFrom(work: Work, purchases: Int32Array): Promise<void> {
  const { examples, embeddings, net, stepper, batch, gradients } = work;
  fill(work, purchases);
  await stepper.step(net, batch, gradients);
  const width = 2 * embeddings.width;
  purchases.forEach((p, row) => {
    addPull(embeddings, examples, examples.item[p]!, 1, gradients.items, row * width);
    eachOther(examples, p, (other, weight) =>
      addPull(embeddings, examples, other, weight, gradients.customers, row * width),
    );
  });
}

/** Mean loss over whole batches of the watched purchases; where there are too few for one, those learned last tell. */
async function watchedLoss(work: Work): Promise<number> {
  const { examples, batch, net, stepper, gradients } = work;
  const { size } = batch;
  const watch =
    examples.watch.length >= size ? examples.watch : examples.learn.subarray(examples.learn.length - size);
  let sum = 0;
  let batches = 0;
  // A stride, so that each batch has purchases of all customers.
  const stride = Math.floor(watch.length / size);
  for (let offset = 0; offset < Math.min(stride, 16); offset++, batches++) {
    fill(
      work,
      Int32Array.from({ length: size }, (_, row) => watch[row * stride + offset]!),
    );
    sum += await stepper.step(net, batch, gradients);
  }
  return sum / batches;
}

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
