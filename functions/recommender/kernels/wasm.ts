import { readFileSync } from 'node:fs';

/**
 * The compiled kernels: WebAssembly with SIMD over a memory that threads share. Sources in assembly/, compiled by
 * scripts/kernels.ts to compiled/kernels.wasm; in a deployment the module lies beside the bundle. All positions are byte
 * addresses in the memory (`view.byteOffset` of what an arena gave), up to 4 GiB; matrices are row-major floats.
 */
export interface Kernels extends SweepKernels, ScanKernels, GraphKernels {
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
    allowed: number,
    words: number,
    scale: number,
    error: number,
    norm: number,
    weights: number,
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
