import { makeArena, type Arena } from '../../../../functions/recommender/kernels/arena.ts';
import { makeSweepMemory, sweep, sweepKernel } from '../../../../functions/recommender/kernels/inverse.ts';
import { inThread, withPool, type Pool } from '../../../../functions/recommender/kernels/pool.ts';
import { subtractPanelsPlainly } from '../../../../functions/recommender/kernels/reference/sweep.ts';
import { kernelsOver, sharedMemory } from '../../../../functions/recommender/kernels/wasm.ts';
import { gaussian, seededRandom } from '../../../../functions/recommender/random.ts';

describe('the panels of a sweep', () => {
  it.each([
    [1, 1],
    [1, 64],
    [7, 3],
    [40, 64],
  ])('equal their plain reference: %i panels, depth %i', (panels, depth) => {
    const memory = sharedMemory(1 << 18);
    const floats = new Float32Array(memory.buffer);
    const random = seededRandom(panels);
    for (let n = 0; n < floats.length; n++) floats[n] = gaussian(random);
    const plain = Float32Array.from(floats);
    const before = floats[(4096 + panels * depth * 32) / 4];
    const at = [0, 4096, 4096 + panels * depth * 32, panels * 32, panels, depth] as const;
    kernelsOver(memory).subtractPanels(...at);
    subtractPanelsPlainly(plain)(...at);
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
