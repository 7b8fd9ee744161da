import { toSparse } from '../../../../functions/recommender/data.ts';
import { makeBasis } from '../../../../functions/recommender/kernels/als-basis.ts';
import { makeArena } from '../../../../functions/recommender/kernels/arena.ts';
import { symmetricEigen } from '../../../../functions/recommender/kernels/reference/eigen.ts';
import { makeGraph, placeGraph } from '../../../../functions/recommender/kernels/graph.ts';
import { inThread, withPool, type Pool } from '../../../../functions/recommender/kernels/pool.ts';
import { graphReference } from '../../../../functions/recommender/kernels/reference/graph.ts';
import { randomizedSingular } from '../../../../functions/recommender/kernels/singular.ts';
import { orthonormalise, tallGram } from '../../../../functions/recommender/kernels/tall.ts';
import { buildHistory } from '../../../../functions/recommender/data.ts';
import { gaussian, seededRandom } from '../../../../functions/recommender/random.ts';
import { wholesaler } from '#tests/purchases';

const size = { customers: 120, items: 60 };
const graphOf = () => makeGraph(toSparse(buildHistory(wholesaler(size).interactions, size).history, null));

/** Both kinds of kernel over the same numbers: the largest difference of what `run` leaves. */
function difference(
  run: (kernels: ReturnType<typeof graphReference>, at: ReturnType<typeof addresses>) => void,
) {
  const results = ['compiled', 'plain'].map((kind) => {
    const arena = makeArena(0, 1);
    const at = addresses(arena);
    run(kind === 'plain' ? graphReference(arena.kernels.memory.buffer) : arena.kernels, at);
    return Float32Array.from(new Float32Array(arena.kernels.memory.buffer, at.y, 120 * 44));
  });
  const [one, other] = [results[0]!, results[1]!];
  let worst = 0;
  for (let n = 0; n < one.length; n++) worst = Math.max(worst, Math.abs(one[n]! - other[n]!));
  return worst;
}

function addresses(arena: ReturnType<typeof makeArena>) {
  const random = seededRandom(3);
  const graph = placeGraph(graphOf(), arena);
  const filled = (length: number) => {
    const floats = arena.floats(length);
    for (let n = 0; n < length; n++) floats[n] = gaussian(random);
    return floats.byteOffset;
  };
  return { graph, x: filled(60 * 44), y: filled(120 * 44), vector: filled(44) };
}

describe('the kernels of the graph equal their plain references', () => {
  it.each([4, 32, 44])('spreading %i columns', (k) => {
    const worst = difference((kernels, { graph, x, y }) => {
      const { byCustomer, customerScale, itemScale } = graph;
      kernels.spreadRows(y, x, k, byCustomer.indptr, byCustomer.index, customerScale, itemScale, 5, 117);
    });
    expect(worst).toBeLessThan(1e-4);
  });

  it('adding a multiple', () => {
    expect(difference((kernels, { x, y }) => kernels.addScaled(y, x, 0.3, 60 * 44))).toBeLessThan(1e-4);
  });

  it('a packed matrix times a vector', () => {
    expect(
      difference((kernels, { x, y, vector }) => kernels.subtractGroups(y, x, vector, 44, 15)),
    ).toBeLessThan(1e-4);
  });
});

describe('eigenvalues of a symmetric matrix', () => {
  /** Their values, and the largest error of a matrix times a vector, or of a vector's length. */
  function solve(a: Float64Array, n: number) {
    let worst = 0;
    const { values, vectors } = symmetricEigen(a, n);
    for (let j = 0; j < n; j++) {
      const v = vectors.subarray(j * n, (j + 1) * n);
      for (let i = 0; i < n; i++) {
        let image = 0;
        for (let k = 0; k < n; k++) image += a[i * n + k]! * v[k]!;
        worst = Math.max(worst, Math.abs(image - values[j]! * v[i]!));
      }
      worst = Math.max(worst, Math.abs(v.reduce((sum, x) => sum + x * x, 0) - 1));
    }
    return { values: [...values], worst };
  }

  it('by hand: [[2, 1], [1, 2]] has 1 and 3', () => {
    const { values, worst } = solve(Float64Array.of(2, 1, 1, 2), 2);
    expect(values.map((x) => x.toFixed(12))).toEqual(['1.000000000000', '3.000000000000']);
    expect(worst).toBeLessThan(1e-12);
  });

  it.each([1, 2, 7, 40])('times their vectors are the matrix times them, n = %i', (n) => {
    const random = seededRandom(n);
    const a = new Float64Array(n * n);
    for (let i = 0; i < n; i++) for (let j = i; j < n; j++) a[i * n + j] = a[j * n + i] = gaussian(random);
    const { values, worst } = solve(a, n);
    expect(worst).toBeLessThan(1e-10);
    expect(values).toEqual(values.toSorted((x, y) => x - y));
  });

  it('takes a matrix that is mostly zero, and refuses one that is none', () => {
    const a = new Float64Array(30 * 30);
    for (let i = 0; i < 5; i++) a[i * 30 + i] = 4;
    expect(solve(a, 30).values.filter((x) => x !== 0)).toEqual([4, 4, 4, 4, 4]);
    expect(() => symmetricEigen(Float64Array.of(NaN, NaN, NaN, NaN), 2)).toThrow(/converge/);
  });
});

it('columns are made orthonormal, and one that depends on others becomes zero', async () => {
  const random = seededRandom(5);
  await inThread.withArena(async (arena) => {
    const values = arena.floats(301 * 16);
    for (let row = 0; row < 301; row++) {
      for (let k = 0; k < 15; k++) values[row * 16 + k] = gaussian(random);
      values[row * 16 + 15] = 2 * values[row * 16]! - values[row * 16 + 3]!;
    }
    const basis = makeBasis(arena, 16, 301);
    await orthonormalise(values, basis, inThread);
    const gram = await tallGram(values, basis, inThread);
    for (let i = 0; i < 16; i++)
      for (let j = 0; j < 16; j++) expect(gram[i * 16 + j]).toBeCloseTo(i === j && i < 15 ? 1 : 0, 4);
  });
});

describe('the randomized singular value decomposition', () => {
  const wanted = { rank: 12, oversampling: 20, iterations: 3 };
  const decompose = (pool: Pool) =>
    pool.withArena((arena) =>
      randomizedSingular(placeGraph(graphOf(), arena), wanted, seededRandom(1), pool, arena),
    );

  it('gives the values and vectors of the dense matrix', async () => {
    const { byCustomer, customerScale, itemScale } = graphOf();
    const gram = new Float64Array(60 * 60);
    for (let c = 0; c < 120; c++) {
      const row = byCustomer.index.subarray(byCustomer.indptr[c], byCustomer.indptr[c + 1]);
      for (const i of row)
        for (const j of row) gram[i * 60 + j]! += customerScale[c]! ** 2 * itemScale[i]! * itemScale[j]!;
    }
    const exact = symmetricEigen(gram, 60);
    const { rank, values, vectors } = await decompose(inThread);
    expect(values[0]).toBeCloseTo(1, 4);
    for (let j = 0; j < rank; j++) {
      expect(values[j]).toBeCloseTo(Math.sqrt(exact.values[59 - j]!), 3);
      let image = 0;
      for (let a = 0; a < 60; a++)
        for (let b = 0; b < 60; b++)
          image += vectors[a * rank + j]! * gram[a * 60 + b]! * vectors[b * rank + j]!;
      expect(image).toBeCloseTo(values[j]! ** 2, 3);
    }
  });

  it('is the same on threads, bit for bit', async () => {
    expect((await withPool(2, decompose)).vectors).toEqual((await decompose(inThread)).vectors);
  });
});
