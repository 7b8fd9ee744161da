import type { Operator, TensorSpec } from '../onnx/model.ts';
import type { Onnx, Shaped } from '../onnx/runtime.ts';
import { NEVER, TINY, type Batch, type Dims, type Gradients, type Net, type Stepper } from './net.ts';

/**
 * A step of the two towers as one ONNX graph: forward, and the gradients by hand, for ONNX Runtime differentiates nothing.
 * net.ts has the same in plain TypeScript. For batches of exactly `size` rows.
 */
export async function onnxStepper(
  onnx: Onnx,
  dims: Dims,
  temperature: number,
  size: number,
  threads: number,
): Promise<Stepper> {
  const constants = makeConstants(temperature, size);
  const shapes = shapesOf(dims, size);
  const given: TensorSpec[] = Object.entries(shapes.inputs).map(([name, shape]) => ({
    name,
    type: 'float',
    shape,
  }));
  const fixed: TensorSpec[] = Object.entries(constants).map(([name, { values, shape }]) => ({
    name,
    type: values instanceof Float32Array ? 'float' : values instanceof Uint8Array ? 'bool' : 'int64',
    shape,
  }));
  const ids: TensorSpec[] = [
    { name: 'ids', type: 'int64', shape: [size, 1] },
    { name: 'idsAcross', type: 'int64', shape: [1, size] },
  ];
  const results: TensorSpec[] = Object.entries(shapes.outputs).map(([name, shape]) => ({
    name,
    type: 'float',
    shape,
  }));
  const graph = [
    ...towerForward('c'),
    ...towerForward('i'),
    ...lossAndPull(temperature),
    ...towerBackward('c'),
    ...towerBackward('i'),
  ];
  const computation = await onnx.prepare(graph, [...given, ...fixed, ...ids], results, threads);
  const wide = new BigInt64Array(size);
  const loss = new Float32Array(1);
  return {
    step: async (net, batch, into) => {
      for (let n = 0; n < size; n++) wide[n] = BigInt(batch.ids[n]!);
      const inputs = {
        ...withShapes(inputsOf(net, batch), shapes.inputs),
        ...constants,
        ids: { values: wide, shape: [size, 1] },
        idsAcross: { values: wide, shape: [1, size] },
      };
      await computation.run(inputs, withShapes(outputsOf(into, loss), shapes.outputs));
      return loss[0]!;
    },
    close: () => computation.close(),
  };
}

const op = (
  name: string,
  inputs: readonly string[],
  output: string,
  attributes?: Operator['attributes'],
): Operator => ({ op: name, inputs, outputs: [output], ...(attributes ? { attributes } : {}) });

/** `t`: c for customers, i for items. x → out, its hidden layer and length kept for the way back. */
const towerForward = (t: string): Operator[] => [
  op('MatMul', [`x${t}`, `w1${t}`], `z${t}`),
  op('Add', [`z${t}`, `b1${t}`], `a${t}`),
  op('Relu', [`a${t}`], `h${t}`),
  op('MatMul', [`h${t}`, `w2${t}`], `raw${t}`),
  op('Mul', [`raw${t}`, `raw${t}`], `squares${t}`),
  op('ReduceSum', [`squares${t}`, 'axis1'], `square${t}`, { keepdims: 1 }),
  op('Add', [`square${t}`, 'tiny'], `safe${t}`),
  op('Sqrt', [`safe${t}`], `length${t}`),
  op('Div', [`raw${t}`, `length${t}`], `out${t}`),
];

/** Logits, their softmax against the diagonal, and what pulls on both outputs. */
const lossAndPull = (temperature: number): Operator[] => [
  op('Gemm', ['outc', 'outi'], 'products', { transB: 1, alpha: { float: 1 / temperature } }),
  op('Sub', ['products', 'logQ'], 'corrected'),
  op('Equal', ['ids', 'idsAcross'], 'same'),
  op('And', ['same', 'others'], 'hits'),
  op('Where', ['hits', 'never', 'corrected'], 'logits'),
  op('LogSoftmax', ['logits'], 'logShares', { axis: 1 }),
  op('Mul', ['logShares', 'unit'], 'own'),
  op('ReduceSum', ['own', 'axis1'], 'perRow', { keepdims: 0 }),
  op('ReduceMean', ['perRow'], 'mean', { keepdims: 1 }),
  op('Neg', ['mean'], 'loss'),
  op('Exp', ['logShares'], 'shares'),
  op('Sub', ['shares', 'unit'], 'wrong'),
  op('Mul', ['wrong', 'scale'], 'pull'),
  op('MatMul', ['pull', 'outi'], 'doutc'),
  op('Gemm', ['pull', 'outc'], 'douti', { transA: 1 }),
];

const towerBackward = (t: string): Operator[] => [
  op('Mul', [`dout${t}`, `out${t}`], `parallel${t}`),
  op('ReduceSum', [`parallel${t}`, 'axis1'], `along${t}`, { keepdims: 1 }),
  op('Mul', [`out${t}`, `along${t}`], `radial${t}`),
  op('Sub', [`dout${t}`, `radial${t}`], `across${t}`),
  op('Div', [`across${t}`, `length${t}`], `draw${t}`),
  op('Gemm', [`h${t}`, `draw${t}`], `dw2${t}`, { transA: 1 }),
  op('Gemm', [`draw${t}`, `w2${t}`], `dhAll${t}`, { transB: 1 }),
  op('Sign', [`h${t}`], `active${t}`),
  op('Mul', [`dhAll${t}`, `active${t}`], `dh${t}`),
  op('Gemm', [`x${t}`, `dh${t}`], `dw1${t}`, { transA: 1 }),
  op('ReduceSum', [`dh${t}`, 'axis0'], `db1${t}`, { keepdims: 0 }),
  op('Gemm', [`dh${t}`, `w1${t}`], `dx${t}`, { transB: 1 }),
];

function makeConstants(temperature: number, size: number): Record<string, Shaped> {
  const unit = new Float32Array(size * size);
  const others = new Uint8Array(size * size).fill(1);
  for (let n = 0; n < size; n++) {
    unit[n * size + n] = 1;
    others[n * size + n] = 0;
  }
  const number = (value: number): Shaped => ({ values: Float32Array.of(value), shape: [1] });
  return {
    unit: { values: unit, shape: [size, size] },
    others: { values: others, shape: [size, size] },
    never: number(NEVER),
    tiny: number(TINY),
    scale: number(1 / (size * temperature)),
    axis0: { values: BigInt64Array.of(0n), shape: [1] },
    axis1: { values: BigInt64Array.of(1n), shape: [1] },
  };
}

type Shapes = Readonly<Record<string, readonly number[]>>;

function shapesOf({ input, hidden, output }: Dims, size: number): { inputs: Shapes; outputs: Shapes } {
  const tower = (t: string) => ({
    [`x${t}`]: [size, input],
    [`w1${t}`]: [input, hidden],
    [`b1${t}`]: [hidden],
    [`w2${t}`]: [hidden, output],
  });
  const all = { ...tower('c'), ...tower('i') };
  const gradients = Object.fromEntries(Object.entries(all).map(([name, shape]) => [`d${name}`, shape]));
  return { inputs: { ...all, logQ: [1, size] }, outputs: { ...gradients, loss: [1] } };
}

const inputsOf = ({ customer, item }: Net, { customers, items, logQ }: Batch) => ({
  xc: customers,
  w1c: customer.w1,
  b1c: customer.b1,
  w2c: customer.w2,
  xi: items,
  w1i: item.w1,
  b1i: item.b1,
  w2i: item.w2,
  logQ,
});

const outputsOf = ({ net: { customer, item }, customers, items }: Gradients, loss: Float32Array) => ({
  dxc: customers,
  dw1c: customer.w1,
  db1c: customer.b1,
  dw2c: customer.w2,
  dxi: items,
  dw1i: item.w1,
  db1i: item.b1,
  dw2i: item.w2,
  loss,
});

const withShapes = (arrays: Readonly<Record<string, Float32Array>>, shapes: Shapes): Record<string, Shaped> =>
  Object.fromEntries(
    Object.entries(arrays).map(([name, values]) => [name, { values, shape: shapes[name] ?? [] }]),
  );
