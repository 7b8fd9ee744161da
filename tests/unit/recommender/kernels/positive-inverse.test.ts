import { inThread, withPool, type Pool } from '../../../../functions/recommender/kernels/pool.ts';
import { withInverse } from '../../../../functions/recommender/kernels/positive-inverse.ts';
import { findOnnx, type Onnx } from '../../../../functions/recommender/onnx/runtime.ts';
import { seededRandom } from '../../../../functions/recommender/random.ts';

/** A positive definite matrix of n rows, the upper half. */
function entries(n: number): Float32Array {
  const random = seededRandom(n);
  const a = new Float32Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = i; j < n; j++) a[i * n + j] = i === j ? 8 + random() : random() < 0.1 ? random() * 0.3 : 0;
  return a;
}

async function inverse(n: number, onnx: Onnx | null, pool: Pool = inThread): Promise<Float32Array> {
  const a = entries(n);
  const fill = (i: number, row: Float32Array) => {
    for (let j = i; j < n; j++) row[j]! += a[i * n + j]!;
  };
  const all = new Float32Array(n * n);
  await withInverse(n, fill, { pool, onnx, tile: 64 }, async (found) => {
    for (let i = 0; i < n; i++) found.row(i, all.subarray(i * n, (i + 1) * n));
    expect(found.entry(n - 1)).toBe(all[n * n - 1]);
  });
  return all;
}

async function onnxRuntime(): Promise<Onnx> {
  const onnx = await findOnnx();
  if (onnx === null) throw new Error('onnxruntime-node is among the dependencies, but cannot be loaded here');
  return onnx;
}

describe('the inverse of a positive definite matrix', () => {
  it.each([1, 64, 130])(
    'times the matrix is the identity, with and without ONNX Runtime, n = %i',
    async (n) => {
      const a = entries(n);
      for (const onnx of [null, await onnxRuntime()]) {
        const found = await inverse(n, onnx);
        let worst = 0;
        for (let i = 0; i < n; i++)
          for (let j = 0; j < n; j++) {
            let sum = i === j ? -1 : 0;
            for (let k = 0; k < n; k++) sum += a[Math.min(i, k) * n + Math.max(i, k)]! * found[k * n + j]!;
            worst = Math.max(worst, Math.abs(sum));
          }
        expect(worst).toBeLessThan(1e-4);
      }
    },
  );

  it('is the same with ONNX Runtime as without up to rounding', async () => {
    const [one, other] = [await inverse(130, null), await inverse(130, await onnxRuntime())];
    const worst = one.reduce((largest, value, n) => Math.max(largest, Math.abs(value - other[n]!)), 0);
    expect(worst).toBeLessThan(1e-6);
  });

  it('is the same on any number of threads, bit for bit', async () => {
    const onnx = await onnxRuntime();
    const alone = await inverse(130, onnx);
    for (const threads of [2, 3])
      expect(await withPool(threads, (pool) => inverse(130, onnx, pool))).toEqual(alone);
  });

  it('ends when it is called off', async () => {
    const tools = { pool: inThread, onnx: await onnxRuntime(), tile: 64, signal: AbortSignal.abort() };
    const fill = (i: number, row: Float32Array) => void (row[i] = 1);
    await expect(withInverse(100, fill, tools, async () => null)).rejects.toThrow(/abort/i);
  });
});
