import { solvePositive } from './lib/cholesky';
import { addOuter, addTile } from './lib/tile';
import { addProduct, addScaled, dot, sumLanes } from './lib/vector';

/** Rows whose products are summed in single precision before they join the doubles. */
const RUN: i32 = 256;
/** Depth of a tile: its rows stay in the nearest cache. */
const DEPTH: i32 = 64;

/**
 * gram = xᵀx over rows [from, to) of x, d floats each (d a multiple of 8): the upper half, in doubles. `work` holds d × d
 * floats.
 */
export function gramOfRows(x: usize, from: i32, to: i32, d: i32, gram: usize, work: usize): void {
  const stride = (<usize>d) << 2;
  memory.fill(gram, 0, (<usize>(d * d)) << 3);
  for (let run = from; run < to; run += RUN) {
    const end = min(to, run + RUN);
    memory.fill(work, 0, <usize>d * stride);
    for (let row = run; row < end; row += DEPTH)
      addOuter(x + <usize>row * stride, stride, min(DEPTH, end - row), work, stride, d);
    for (let i = 0; i < d; i++) {
      const source = work + <usize>i * stride;
      const sum = gram + ((<usize>i * <usize>d) << 3);
      for (let j = i; j < d; j++) {
        const at = sum + ((<usize>j) << 3);
        store<f64>(at, load<f64>(at) + <f64>load<f32>(source + ((<usize>j) << 2)));
      }
    }
  }
}

/** Each of rows [from, to) of x becomes row · q, in place; q is d × d, `work` holds 8 × d floats. */
export function rotateRows(x: usize, from: i32, to: i32, d: i32, q: usize, work: usize): void {
  const stride = (<usize>d) << 2;
  for (let row = from; row < to; row += 4) {
    const count = min(4, to - row);
    const source = x + <usize>row * stride;
    memory.fill(work, 0, 4 * stride);
    if (count == 4) rotateFour(source, stride, d, q, work);
    else
      for (let i = 0; i < count; i++)
        for (let k = 0; k < d; k++)
          addScaled(
            load<f32>(source + <usize>i * stride + ((<usize>k) << 2)),
            q + <usize>k * stride,
            work + <usize>i * stride,
            d,
          );
    memory.copy(source, work, <usize>count * stride);
  }
}

/** work[i] += source[i] · q for four rows. They are transposed first: the tile reads them down. */
function rotateFour(source: usize, stride: usize, d: i32, q: usize, work: usize): void {
  const turned = work + 4 * stride;
  for (let k = 0; k < d; k++)
    for (let i = 0; i < 4; i++)
      store<f32>(
        turned + ((<usize>(4 * k + i)) << 2),
        load<f32>(source + <usize>i * stride + ((<usize>k) << 2)),
      );
  for (let k = 0; k < d; k += DEPTH) {
    const depth = min(DEPTH, d - k);
    for (let j = 0; j < d; j += 8) {
      const at = (<usize>j) << 2;
      addTile(
        turned + ((<usize>(4 * k)) << 2),
        q + <usize>k * stride + at,
        16,
        stride,
        depth,
        work + at,
        stride,
      );
    }
  }
}

/**
 * out[n] = x · row n of `rows`, for n < count; d floats each. Four rows at once: their sums do not wait for each other. A row's
 * sum is the same wherever it lies.
 */
export function dotRows(rows: usize, count: i32, d: i32, x: usize, out: usize): void {
  const stride = (<usize>d) << 2;
  let n = 0;
  for (; n + 4 <= count; n += 4) {
    dotFour(rows, stride, x, out + ((<usize>n) << 2));
    rows += 4 * stride;
  }
  for (; n < count; n++) {
    store<f32>(out + ((<usize>n) << 2), dot(rows, x, d));
    rows += stride;
  }
}

/** As `dot`, for four rows. */
function dotFour(rows: usize, stride: usize, x: usize, out: usize): void {
  const row1 = rows + stride;
  const row2 = row1 + stride;
  const row3 = row2 + stride;
  let even0 = f32x4.splat(0);
  let even1 = even0;
  let even2 = even0;
  let even3 = even0;
  let odd0 = even0;
  let odd1 = even0;
  let odd2 = even0;
  let odd3 = even0;
  for (let at: usize = 0; at < stride; at += 32) {
    const low = v128.load(x + at);
    const high = v128.load(x + at, 16);
    even0 = addProduct(v128.load(rows + at), low, even0);
    odd0 = addProduct(v128.load(rows + at, 16), high, odd0);
    even1 = addProduct(v128.load(row1 + at), low, even1);
    odd1 = addProduct(v128.load(row1 + at, 16), high, odd1);
    even2 = addProduct(v128.load(row2 + at), low, even2);
    odd2 = addProduct(v128.load(row2 + at, 16), high, odd2);
    even3 = addProduct(v128.load(row3 + at), low, even3);
    odd3 = addProduct(v128.load(row3 + at, 16), high, odd3);
  }
  store<f32>(out, sumLanes(f32x4.add(even0, odd0)));
  store<f32>(out, sumLanes(f32x4.add(even1, odd1)), 4);
  store<f32>(out, sumLanes(f32x4.add(even2, odd2)), 8);
  store<f32>(out, sumLanes(f32x4.add(even3, odd3)), 12);
}

/** Solves a · x = b in place: `solvePositive` of lib/cholesky, for tests and for systems of other kernels' making. */
export function solveSystem(a: usize, d: i32, b: usize): void {
  solvePositive(a, (<usize>d) << 2, d, b);
}
