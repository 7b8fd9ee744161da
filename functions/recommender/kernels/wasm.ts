import { readFileSync } from 'node:fs';

/**
 * The compiled kernels: WebAssembly with SIMD over a memory that threads share. Sources in assembly/, compiled by
 * scripts/kernels.ts to compiled/kernels.wasm; in a deployment the module lies beside the bundle. All positions are byte
 * addresses in the memory (`view.byteOffset` of what an arena gave), up to 4 GiB; matrices are row-major floats.
 */
export interface Kernels
  extends DenseKernels, EigenKernels, GraphKernels, ScanKernels, SolveKernels, SweepKernels {
  readonly memory: WebAssembly.Memory;
}

/** assembly/sweep.ts; reference in reference/sweep.ts. */
export interface SweepKernels {
  /**
   * result[r][8p + q] -= Σ_t left[t][r] · right[p][t][q] for r < 4, q < 8, p < panels. `left` holds depth × 4 floats, `right`
   * panels × depth × 8, `result` four rows `stride` bytes apart.
   */
  subtractPanels(
    left: number,
    right: number,
    result: number,
    stride: number,
    panels: number,
    depth: number,
  ): void;
}

/** assembly/scan.ts; reference: `topByScores` in scan.ts. */
export interface ScanKernels {
  /** Candidates for the k highest inner products, and how many there are; what the parameters hold is said there. */
  scanCandidates(
    query: number,
    bytes: number,
    d: number,
    n: number,
    order: number,
    allowed: number,
    scale: number,
    error: number,
    norm: number,
    reach: number,
    weights: number,
    heaviest: number,
    step: number,
    length: number,
    residual: number,
    k: number,
    heap: number,
    ids: number,
    uppers: number,
  ): number;
}

/** assembly/graph.ts; reference in reference/graph.ts. */
export interface GraphKernels {
  /**
   * y[r] = rowScale[r] · Σ_c columnScale[c] · x[c] over the entries c of row r, for rows [from, to): a sparse matrix of
   * ones, scaled on both sides, times a dense one of k columns (a multiple of 4).
   */
  spreadRows(
    y: number,
    x: number,
    k: number,
    indptr: number,
    index: number,
    rowScale: number,
    columnScale: number,
    from: number,
    to: number,
  ): void;
  /** y += a · x over `count` floats, a multiple of 4. */
  addScaled(y: number, x: number, a: number, count: number): void;
  /**
   * result[4g + r] -= Σ_t packed[g][t][r] · vector[t] for g < groups, r < 4: a matrix packed by four rows times a vector.
   * `depth` is a multiple of 4.
   */
  subtractGroups(result: number, packed: number, vector: number, depth: number, groups: number): void;
}

/** assembly/dense.ts. d is a multiple of 8 everywhere. */
export interface DenseKernels {
  /** The upper half of xᵀx over rows [from, to) of x, in d × d doubles at `gram`; `work`: d × d floats. */
  gramOfRows(x: number, from: number, to: number, d: number, gram: number, work: number): void;
  /** Each of rows [from, to) of x becomes row · q, in place; `work`: 8 · d floats. */
  rotateRows(x: number, from: number, to: number, d: number, q: number, work: number): void;
  /** out[n] = x · row n of `rows`, for n < count. */
  dotRows(rows: number, count: number, d: number, x: number, out: number): void;
  /** Solves a · x = b in place by Cholesky; the upper half of a is read and overwritten. */
  solveSystem(a: number, d: number, b: number): void;
}

/** assembly/eigen.ts; reference in reference/eigen.ts. */
export interface EigenKernels {
  /**
   * Replaces a symmetric matrix of n × n doubles by its eigenvectors, one per row, and writes the eigenvalues, in no order,
   * to `values`; `work`: n doubles. 1, or 0 where the matrix is not finite.
   */
  eigenSymmetric(matrix: number, n: number, values: number, work: number): number;
}

/**
 * assembly/{exact,conjugate,blocks}.ts; reference in reference/ials.ts. For `rows` rows x of `out`, d floats each, they solve
 *   (diag(spectrum + λ) + Σ w·h hᵀ) x = Σ w·h,   λ = regularization · (Σw + unobserved),
 * row r over entries [indptr[r], indptr[r + 1]) of `index` (rows h of `fixed`) and `weight` (0: all 1); zeros where there are
 * none. `setting` is the solver's own: entries up to which the n × n system is taken, steps, width of a block.
 */
export type RowSolver = (
  out: number,
  fixed: number,
  indptr: number,
  index: number,
  weight: number,
  rows: number,
  d: number,
  spectrum: number,
  regularization: number,
  unobserved: number,
  setting: number,
  work: number,
) => void;

export interface SolveKernels {
  /** Exactly. `work`: d + most + d · max(64, most) + max(d, most)² floats; `most` a multiple of 8. */
  readonly solveExact: RowSolver;
  /** By steps of conjugate gradients from what `out` holds. `work`: 5 · d floats. */
  readonly solveConjugate: RowSolver;
  /** By one pass over blocks of factors, from what `out` holds. `work`: width² + 129 · width floats + the longest row's entries. */
  readonly solveBlocks: RowSolver;
}

let module: WebAssembly.Module | null = null;
const instances = new WeakMap<WebAssembly.Memory, Kernels>();

/** The kernels over `memory` (of `sharedMemory`); one instance per memory and thread. */
export function kernelsOver(memory: WebAssembly.Memory): Kernels {
  const known = instances.get(memory);
  if (known) return known;
  module ??= new WebAssembly.Module(readModule());
  // What the module exports is declared above, and every one of them is called by a test.
  const kernels = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Kernels;
  instances.set(memory, kernels);
  return kernels;
}

function readModule(): Buffer<ArrayBuffer> {
  const file = import.meta.url.endsWith('.ts') ? './compiled/kernels.wasm' : './kernels.wasm';
  const url = new URL(file, import.meta.url);
  try {
    return readFileSync(url);
  } catch (cause) {
    throw new Error(
      `The kernels are not compiled: ${url.pathname} cannot be read. Run: node scripts/kernels.ts`,
      {
        cause,
      },
    );
  }
}

/** Memory that threads can share and the kernels work on, for at least `bytes`; it can grow to `most` (4 GiB). */
export function sharedMemory(bytes: number, most = 2 ** 32): WebAssembly.Memory {
  return new WebAssembly.Memory({
    initial: Math.max(1, Math.ceil(bytes / 65_536)),
    maximum: Math.max(1, Math.ceil(most / 65_536)),
    shared: true,
  });
}
