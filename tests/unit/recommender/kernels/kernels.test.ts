import {
  addGram,
  makeScratch,
  solvePositive,
  solveRow,
} from '../../../../functions/recommender/kernels/ials-kernel.ts';
import { makeTiledScratch, solveRowTiled } from '../../../../functions/recommender/kernels/ials-tile.ts';
import { makeArena, type Arena } from '../../../../functions/recommender/kernels/arena.ts';
import { makeSweepMemory, sweep, sweepKernel } from '../../../../functions/recommender/kernels/inverse.ts';
import { inThread, withPool, type Pool } from '../../../../functions/recommender/kernels/pool.ts';
import {
  sharedMemory,
  tileOver,
  tileReference,
} from '../../../../functions/recommender/kernels/tile-wasm.ts';
import { gaussian, seededRandom } from '../../../../functions/recommender/random.ts';

describe('exact solves', () => {
  it('solves a system whose answer is known', () => {
    const right = Float64Array.of(1, 2);
    solvePositive(Float64Array.of(4, 1, 0, 3), 2, right);
    expect([...right].map((x) => x.toFixed(12))).toEqual([(1 / 11).toFixed(12), (7 / 11).toFixed(12)]);
  });

  /** The normal equations written out plainly, solved by Gauss–Jordan elimination. */
  function plainFactor(
    factors: number[][],
    entries: [row: number, weight: number][],
    alpha: number,
    reg: number,
  ) {
    const d = factors[0]?.length ?? 0;
    const total = entries.reduce((sum, [, w]) => sum + w, 0);
    const lambda = reg * (total + alpha * factors.length);
    const a = Array.from({ length: d }, (_, i) =>
      Array.from({ length: d + 1 }, (_, j) => {
        if (j === d) return entries.reduce((sum, [row, w]) => sum + w * factors[row]![i]!, 0);
        const gram = factors.reduce((sum, y) => sum + y[i]! * y[j]!, 0);
        const seen = entries.reduce((sum, [row, w]) => sum + w * factors[row]![i]! * factors[row]![j]!, 0);
        return alpha * gram + seen + (i === j ? lambda : 0);
      }),
    );
    for (let k = 0; k < d; k++)
      for (let i = 0; i < d; i++)
        if (i !== k) {
          const m = a[i]![k]! / a[k]![k]!;
          for (let j = k; j <= d; j++) a[i]![j]! -= m * a[k]![j]!;
        }
    return a.map((row, i) => row[d]! / row[i]!);
  }

  it.each([1, 3, 4, 9])('gives the row of the normal equations, %i entries', (entries) => {
    const random = seededRandom(entries);
    const [rows, d, alpha, reg] = [20, 6, 0.2, 0.01];
    const factors = Array.from({ length: rows }, () =>
      Array.from({ length: d }, () => Math.fround(gaussian(random))),
    );
    const flat = Float32Array.from(factors.flat());
    const index = Int32Array.from({ length: entries }, (_, n) => n * 2);
    const weight = Float32Array.from(index, () => Math.fround(random()));
    const gram = new Float64Array(d * d);
    addGram(flat, d, 0, rows, gram, 0);
    const side = {
      d,
      factors: flat,
      gram: gram.map((x) => x * alpha),
      regularization: reg,
      unobserved: alpha * rows,
    };
    const out = new Float32Array(d);
    solveRow(side, index, weight, 0, entries, makeScratch(d), out, 0);
    const expected = plainFactor(
      factors,
      [...index].map((row, n) => [row, weight[n]!]),
      alpha,
      reg,
    );
    expected.forEach((value, i) => expect(out[i]).toBeCloseTo(value, 5));
  });
});

describe('tiled solves', () => {
  it.each([
    [8, 8],
    [32, 77],
    [64, 300],
  ])('equal the plain ones: %i factors, %i entries', (d, entries) => {
    const random = seededRandom(d);
    const rows = 400;
    const factors = Float32Array.from({ length: rows * d }, () => 0.3 * gaussian(random));
    const index = Int32Array.from({ length: entries }, (_, n) => n);
    const weight = Float32Array.from(index, () => random());
    const gram = new Float64Array(d * d);
    addGram(factors, d, 0, rows, gram, 0);
    const side = {
      d,
      factors,
      gram: gram.map((x) => x * 0.1),
      regularization: 0.005,
      unobserved: 0.1 * rows,
    };
    const [one, other] = [new Float32Array(d), new Float32Array(d)];
    solveRow(side, index, weight, 0, entries, makeScratch(d), one, 0);
    solveRowTiled(side, index, weight, 0, entries, makeTiledScratch(d), other, 0);
    for (let k = 0; k < d; k++) expect(other[k]).toBeCloseTo(one[k]!, 4);
  });
});

describe('the WebAssembly tile', () => {
  it.each([
    [1, 1],
    [1, 64],
    [7, 3],
    [40, 64],
  ])('equals its plain reference: %i panels, depth %i', (panels, depth) => {
    const memory = sharedMemory(1 << 18);
    const floats = new Float32Array(memory.buffer);
    const random = seededRandom(panels);
    for (let n = 0; n < floats.length; n++) floats[n] = gaussian(random);
    const plain = Float32Array.from(floats);
    const before = floats[(4096 + panels * depth * 32) / 4];
    const at = [0, 4096, 4096 + panels * depth * 32, panels * 32, panels, depth] as const;
    tileOver(memory)(...at);
    tileReference(plain)(...at);
    let worst = 0;
    for (let n = 0; n < floats.length; n++) worst = Math.max(worst, Math.abs(floats[n]! - plain[n]!));
    expect(worst).toBeLessThan(1e-4);
    expect(floats[at[2] / 4]).not.toBe(before);
  });
});

describe('the blocked inverse', () => {
  const residual = (n: number, threads: number): Promise<number> =>
    withPool(threads, (pool) => pool.withArena((arena) => residualIn(arena, n, pool)));

  async function residualIn(arena: Arena, n: number, pool: Pool): Promise<number> {
    const space = makeSweepMemory(arena, n);
    const a = space.values;
    const random = seededRandom(n);
    for (let i = 0; i < space.size; i++)
      for (let j = i; j < space.size; j++)
        a[i * space.size + j] =
          i === j ? (i < n ? 8 + random() : 1) : i < n && j < n && random() < 0.1 ? random() * 0.3 : 0;
    const before = a.slice();
    await sweep(space, pool);
    const at = (m: Float32Array, i: number, j: number) => m[Math.min(i, j) * space.size + Math.max(i, j)]!;
    let worst = 0;
    for (const i of [0, 1, Math.floor(n / 2), n - 1])
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let k = 0; k < n; k++) sum -= at(before, i, k) * at(a, k, j);
        worst = Math.max(worst, Math.abs(sum - (i === j ? 1 : 0)));
      }
    return worst;
  }

  it.each([1, 5, 64, 65, 200])('times its matrix is the identity, n = %i', async (n) => {
    expect(await residual(n, 1)).toBeLessThan(1e-4);
  });

  it('is the same on threads', async () => {
    expect(await residual(150, 2)).toBe(await residual(150, 1));
  });
});

it('a kernel that throws fails the job, and the threads still end', async () => {
  // A job that no caller can build, to make the kernel throw.
  const broken = { space: null, block: 0 } as unknown as Parameters<(typeof sweepKernel)['work']>[0];
  await expect(withPool(2, (pool) => pool.run(sweepKernel, broken, 4, 1))).rejects.toThrow(/null/);
});

test('a kernel that no list has is named', async () => {
  const unlisted = { name: 'unlisted', work: () => undefined };
  await expect(withPool(2, (pool) => pool.run(unlisted, {}, 1, 1))).rejects.toThrow(/"unlisted".*jobs\.ts/);
});

describe('arenas', () => {
  it('are zero again for the next fit, at multiples of 64 bytes', async () => {
    const addresses: number[] = [];
    for (const fit of [0, 1])
      await inThread.withArena(async (arena) => {
        const [floats, more] = [arena.floats(100), arena.ints(70_000)];
        addresses.push(floats.byteOffset, more.byteOffset);
        expect([fit, floats.some((value) => value !== 0), more.some((value) => value !== 0)]).toEqual([
          fit,
          false,
          false,
        ]);
        floats.fill(1);
        more.fill(1);
      });
    expect(addresses.every((at) => at > 0 && at % 64 === 0)).toBe(true);
    expect(addresses.slice(2)).toEqual(addresses.slice(0, 2));
  });

  it('are each fit’s own where two run at once', async () => {
    const ids = await Promise.all([1, 2].map(() => inThread.withArena(async (arena) => arena.id)));
    expect(new Set(ids).size).toBe(2);
  });

  it('end at 4 GiB, and say what to do', () => {
    const arena = makeArena(0, 2);
    expect(() => arena.perThread(2 ** 31 + 64)).toThrow(expect.objectContaining({ code: 'memory-exceeded' }));
  });
});
