import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { onnxModel, type Operator, type TensorSpec } from './model.ts';

/** A computation that ONNX Runtime has prepared: named arrays in, named arrays out. */
export interface Computation {
  /** Runs on `inputs`; results go into the arrays of `outputs`, whose old content does not matter. */
  run(inputs: Readonly<Record<string, Shaped>>, outputs: Readonly<Record<string, Shaped>>): Promise<void>;
  /** Gives its memory back. */
  close(): Promise<void>;
}

/** An array as a tensor: row-major, of `shape`. */
export interface Shaped {
  readonly values: Float32Array | BigInt64Array | Uint8Array;
  readonly shape: readonly number[];
}

/** ONNX Runtime: dense algebra on the processor's widest vectors, which WebAssembly has not. */
export interface Onnx {
  /**
   * Prepares the graph of `operators` for `threads` threads. Results do not depend on their number: its matrix products
   * split the result, never a sum.
   */
  prepare(
    operators: readonly Operator[],
    inputs: readonly TensorSpec[],
    outputs: readonly TensorSpec[],
    threads: number,
  ): Promise<Computation>;
}

let found: Promise<Onnx | null> | undefined;

/** ONNX Runtime, or null where it is not installed for this machine: whoever asks has a slower way without it. */
export function findOnnx(): Promise<Onnx | null> {
  return (found ??= load());
}

async function load(): Promise<Onnx | null> {
  try {
    const runtime = await import('onnxruntime-node');
    return { prepare: (...graph) => prepare(runtime, ...graph) };
  } catch {
    return null;
  }
}

/** Threads sleep between computations: those that wait by spinning take the processor from everything else. */
const QUIET = { session: { intra_op: { allow_spinning: '0' } } };

async function prepare(
  runtime: typeof import('onnxruntime-node'),
  operators: readonly Operator[],
  inputs: readonly TensorSpec[],
  outputs: readonly TensorSpec[],
  threads: number,
): Promise<Computation> {
  const session: InferenceSession = await runtime.InferenceSession.create(
    onnxModel(operators, inputs, outputs),
    { intraOpNumThreads: threads, interOpNumThreads: 1, executionProviders: ['cpu'], extra: QUIET },
  );
  const tensors = (arrays: Readonly<Record<string, Shaped>>): Record<string, Tensor> =>
    Object.fromEntries(
      Object.entries(arrays).map(([name, shaped]) => [name, tensorOf(runtime.Tensor, shaped)]),
    );
  return {
    run: async (given, results) => {
      await session.run(tensors(given), tensors(results));
    },
    close: () => session.release(),
  };
}

function tensorOf(Make: typeof Tensor, { values, shape }: Shaped): Tensor {
  if (values instanceof Float32Array) return new Make('float32', values, shape);
  return values instanceof BigInt64Array ? new Make('int64', values, shape) : new Make('bool', values, shape);
}
