import { gaussian, type Random } from '../random.ts';

/**
 * Two towers, one for customers and one for items, each x → relu(x·W1 + b1)·W2, made as long as 1; an item's score for a
 * customer is the product of what comes out. Learned from batches of purchases: in each row the bought item against those of
 * all others (softmax), an item's logit less the logarithm of how often it is among them, so that popular ones are not pushed
 * down; the same item in another row is no counterexample. Source: Yi et al., "Sampling-Bias-Corrected Neural Modeling for
 * Large Corpus Item Recommendations", RecSys 2019.
 */
export interface Dims {
  /** Numbers that go into a tower. */
  readonly input: number;
  readonly hidden: number;
  readonly output: number;
}

type Floats = Float32Array | Float64Array;

/** A tower's parameters or their gradients, row-major. */
export interface Tower<T extends Floats = Float32Array> {
  /** input × hidden. */
  readonly w1: T;
  readonly b1: T;
  /** hidden × output. */
  readonly w2: T;
}

export interface Net<T extends Floats = Float32Array> {
  readonly customer: Tower<T>;
  readonly item: Tower<T>;
}

/** Some purchases. */
export interface Batch<T extends Floats = Float32Array> {
  readonly size: number;
  /** size × input: what goes into the customers' tower, and into the items'. */
  readonly customers: T;
  readonly items: T;
  /** The item of each row. */
  readonly ids: Int32Array;
  /** By row the logarithm of how often its item is expected in a batch. */
  readonly logQ: T;
}

/** Where a step leaves the gradients: of the parameters, and of what went in. */
export interface Gradients<T extends Floats = Float32Array> {
  readonly net: Net<T>;
  readonly customers: T;
  readonly items: T;
}

/** Computes loss (mean over the batch) and gradients. */
export interface Stepper {
  step(net: Net, batch: Batch, into: Gradients): Promise<number>;
  close(): Promise<void>;
}

/** Added to squared lengths: a tower that answers zero has no direction. */
export const TINY = 1e-6;
/** The logit of what must not count. */
export const NEVER = -1e9;

/** Random parameters of the usual size (He et al. 2015). */
export function makeNet({ input, hidden, output }: Dims, random: Random): Net {
  const normal = (length: number, deviation: number) =>
    Float32Array.from({ length }, () => deviation * gaussian(random));
  const tower = (): Tower => ({
    w1: normal(input * hidden, Math.sqrt(2 / input)),
    b1: new Float32Array(hidden),
    w2: normal(hidden * output, Math.sqrt(1 / hidden)),
  });
  return { customer: tower(), item: tower() };
}

/** Room for the gradients of batches of `size`. */
export function makeGradients({ input, hidden, output }: Dims, size: number): Gradients {
  const tower = (): Tower => ({
    w1: new Float32Array(input * hidden),
    b1: new Float32Array(hidden),
    w2: new Float32Array(hidden * output),
  });
  return {
    net: { customer: tower(), item: tower() },
    customers: new Float32Array(size * input),
    items: new Float32Array(size * input),
  };
}

/** What one tower makes of `x`, rows × input; rows × output. */
export function runTower(tower: Tower<Floats>, x: Floats, rows: number, dims: Dims): Float64Array {
  return forward(tower, x, rows, dims).out;
}

/** The plain way of a step, for machines without ONNX Runtime; what onnx-step.ts is tested against. */
export function plainStep<T extends Floats>(
  net: Net<T>,
  batch: Batch<T>,
  into: Gradients<T>,
  dims: Dims,
  temperature: number,
): number {
  const { size } = batch;
  const customer = forward(net.customer, batch.customers, size, dims);
  const item = forward(net.item, batch.items, size, dims);
  const towards = {
    customer: new Float64Array(size * dims.output),
    item: new Float64Array(size * dims.output),
  };
  const logits = new Float64Array(size);
  let loss = 0;
  for (let b = 0; b < size; b++) {
    const [u, d] = [b * dims.output, dims.output];
    let most = -Infinity;
    for (let c = 0; c < size; c++) {
      let product = 0;
      for (let k = 0; k < d; k++) product += customer.out[u + k]! * item.out[c * d + k]!;
      const hit = c !== b && batch.ids[c] === batch.ids[b];
      logits[c] = hit ? NEVER : product / temperature - batch.logQ[c]!;
      most = Math.max(most, logits[c]!);
    }
    let total = 0;
    for (let c = 0; c < size; c++) total += Math.exp(logits[c]! - most);
    loss -= (logits[b]! - most - Math.log(total)) / size;
    for (let c = 0; c < size; c++) {
      const share = Math.exp(logits[c]! - most) / total - (c === b ? 1 : 0);
      const pull = share / (size * temperature);
      for (let k = 0; k < d; k++) {
        towards.customer[u + k]! += pull * item.out[c * d + k]!;
        towards.item[c * d + k]! += pull * customer.out[u + k]!;
      }
    }
  }
  backward(
    net.customer,
    batch.customers,
    customer,
    towards.customer,
    size,
    dims,
    into.net.customer,
    into.customers,
  );
  backward(net.item, batch.items, item, towards.item, size, dims, into.net.item, into.items);
  return loss;
}

interface Passed {
  readonly hidden: Float64Array;
  readonly out: Float64Array;
  readonly lengths: Float64Array;
}

function forward(tower: Tower<Floats>, x: Floats, rows: number, { input, hidden, output }: Dims): Passed {
  const passed = {
    hidden: new Float64Array(rows * hidden),
    out: new Float64Array(rows * output),
    lengths: new Float64Array(rows),
  };
  for (let r = 0; r < rows; r++) {
    const h = passed.hidden.subarray(r * hidden, (r + 1) * hidden);
    const out = passed.out.subarray(r * output, (r + 1) * output);
    h.set(tower.b1);
    for (let a = 0; a < input; a++) {
      const value = x[r * input + a]!;
      for (let b = 0, w = a * hidden; b < hidden; b++) h[b]! += value * tower.w1[w + b]!;
    }
    let squares = TINY;
    for (let b = 0; b < hidden; b++) {
      if (!(h[b]! > 0)) h[b] = 0;
      else for (let c = 0, w = b * output; c < output; c++) out[c]! += h[b]! * tower.w2[w + c]!;
    }
    for (const value of out) squares += value * value;
    const length = (passed.lengths[r] = Math.sqrt(squares));
    for (let c = 0; c < output; c++) out[c]! /= length;
  }
  return passed;
}

/** From ∂loss/∂out to those of the parameters and of what went in. */
function backward(
  tower: Tower<Floats>,
  x: Floats,
  { hidden: h, out, lengths }: Passed,
  towards: Float64Array,
  rows: number,
  { input, hidden, output }: Dims,
  into: Tower<Floats>,
  intoInput: Floats,
): void {
  for (const part of [into.w1, into.b1, into.w2, intoInput]) part.fill(0);
  const raw = new Float64Array(output);
  for (let r = 0; r < rows; r++) {
    let along = 0;
    for (let c = 0; c < output; c++) along += towards[r * output + c]! * out[r * output + c]!;
    for (let c = 0; c < output; c++)
      raw[c] = (towards[r * output + c]! - along * out[r * output + c]!) / lengths[r]!;
    for (let b = 0; b < hidden; b++) {
      const active = h[r * hidden + b]!;
      if (active === 0) continue;
      let pull = 0;
      for (let c = 0; c < output; c++) {
        pull += raw[c]! * tower.w2[b * output + c]!;
        into.w2[b * output + c]! += active * raw[c]!;
      }
      into.b1[b]! += pull;
      for (let a = 0; a < input; a++) {
        into.w1[a * hidden + b]! += x[r * input + a]! * pull;
        intoInput[r * input + a]! += tower.w1[a * hidden + b]! * pull;
      }
    }
  }
}
