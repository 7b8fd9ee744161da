import { findOnnx, type Onnx } from '../../../../functions/recommender/onnx/runtime.ts';
import { gaussian, seededRandom } from '../../../../functions/recommender/random.ts';
import {
  makeGradients,
  makeNet,
  plainStep,
  type Batch,
  type Gradients,
  type Net,
} from '../../../../functions/recommender/two-tower/net.ts';
import { onnxStepper } from '../../../../functions/recommender/two-tower/onnx-step.ts';

const dims = { input: 5, hidden: 7, output: 4 };
const size = 6;
const temperature = 0.5;

function example(): { net: Net; batch: Batch } {
  const random = seededRandom(2);
  const floats = (length: number) => Float32Array.from({ length }, () => gaussian(random));
  const net = makeNet(dims, random);
  for (const tower of [net.customer, net.item]) tower.b1.set(floats(dims.hidden));
  // Item 3 is bought twice: each row must overlook the other.
  const ids = Int32Array.of(3, 1, 4, 3, 5, 9);
  const logQ = floats(size).map((x) => x / 3);
  return { net, batch: { size, customers: floats(size * 5), items: floats(size * 5), ids, logQ } };
}

const named = ({ net: { customer, item }, customers, items }: Gradients) => ({
  customerW1: customer.w1,
  customerB1: customer.b1,
  customerW2: customer.w2,
  itemW1: item.w1,
  itemB1: item.b1,
  itemW2: item.w2,
  customers,
  items,
});

/** The same numbers in doubles, so that small differences of the loss can be told from rounding. */
function doubledNet({ customer, item }: Net) {
  const tower = ({ w1, b1, w2 }: Net['item']) => ({
    w1: Float64Array.from(w1),
    b1: Float64Array.from(b1),
    w2: Float64Array.from(w2),
  });
  return { customer: tower(customer), item: tower(item) };
}

function doubled({ net, batch }: ReturnType<typeof example>) {
  const [customers, items] = [Float64Array.from(batch.customers), Float64Array.from(batch.items)];
  return {
    net: doubledNet(net),
    batch: { ...batch, customers, items, logQ: Float64Array.from(batch.logQ) },
  };
}

it('the gradients are the differences of the loss', () => {
  const { net, batch } = doubled(example());
  const into = {
    net: doubledNet(makeGradients(dims, size).net),
    customers: new Float64Array(size * dims.input),
    items: new Float64Array(size * dims.input),
  };
  const loss = () => plainStep(net, batch, into, dims, temperature);
  loss();
  const found = structuredClone(into);
  const pairs = [
    [net.customer.w1, found.net.customer.w1],
    [net.customer.b1, found.net.customer.b1],
    [net.customer.w2, found.net.customer.w2],
    [net.item.w1, found.net.item.w1],
    [net.item.b1, found.net.item.b1],
    [net.item.w2, found.net.item.w2],
    [batch.customers, found.customers],
    [batch.items, found.items],
  ] as const;
  let worst = 0;
  let largest = 0;
  for (const [values, gradient] of pairs)
    for (let n = 0; n < values.length; n++) {
      const [kept, h] = [values[n]!, 1e-5];
      values[n] = kept + h;
      const above = loss();
      values[n] = kept - h;
      const below = loss();
      values[n] = kept;
      worst = Math.max(worst, Math.abs((above - below) / (2 * h) - gradient[n]!));
      largest = Math.max(largest, Math.abs(gradient[n]!));
    }
  expect(worst).toBeLessThan(1e-7);
  expect(largest).toBeGreaterThan(0.05);
});

async function withOnnx(threads: number, count = size): Promise<{ loss: number; into: Gradients }> {
  const onnx: Onnx | null = await findOnnx();
  if (onnx === null) throw new Error('onnxruntime-node is among the dependencies, but cannot be loaded here');
  const { net, batch } = example();
  const stepper = await onnxStepper(onnx, dims, temperature, count, threads);
  const into = makeGradients(dims, count);
  const loss = await stepper.step(net, batch, into);
  await stepper.close();
  return { loss, into };
}

it('the graph of ONNX gives the loss and the gradients of the plain step', async () => {
  const { net, batch } = example();
  const plain = makeGradients(dims, size);
  const expected = plainStep(net, batch, plain, dims, temperature);
  const { loss, into } = await withOnnx(1);
  expect(loss).toBeCloseTo(expected, 5);
  for (const [name, gradient] of Object.entries(named(into))) {
    const reference = named(plain)[name as keyof ReturnType<typeof named>];
    const worst = gradient.reduce((most, x, n) => Math.max(most, Math.abs(x - reference[n]!)), 0);
    expect({ name, close: worst < 1e-5 }).toEqual({ name, close: true });
  }
});

it('is the same on any number of threads, bit for bit', async () => {
  expect(named((await withOnnx(3)).into)).toEqual(named((await withOnnx(1)).into));
});
