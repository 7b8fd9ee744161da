import { addScaledDoubles, dotDoubles } from './lib/double';

/**
 * Eigenvalues and -vectors of a symmetric matrix, in doubles: Householder's reduction to three diagonals, then QL with
 * implicit shifts (EISPACK's tred2 and tql2; Bowdler, Martin, Reinsch, Wilkinson 1968). The matrix is kept transposed, so
 * that every inner loop runs along a row.
 */

/** Steps of QL after which one eigenvalue is given up: far more than any finite matrix takes. */
const MOST_STEPS: i32 = 200;
const EPSILON: f64 = 2.220446049250313e-16;

function at(base: usize, i: i32): usize {
  return base + ((<usize>i) << 3);
}

/**
 * Replaces the n × n matrix `t` by its eigenvectors, one per row, and writes the eigenvalues (in no order) to `d`; `e` holds
 * n doubles for the work. Returns 1, or 0 where the matrix is not finite.
 */
export function eigenSymmetric(t: usize, n: i32, d: usize, e: usize): i32 {
  reduce(t, n, d, e);
  accumulate(t, n, d);
  store<f64>(e, 0);
  return diagonalise(t, n, d, e);
}

function rowOf(t: usize, n: i32, i: i32): usize {
  return t + ((<usize>i * <usize>n) << 3);
}

function reduce(t: usize, n: i32, d: usize, e: usize): void {
  for (let j = 0; j < n; j++) store<f64>(at(d, j), load<f64>(at(rowOf(t, n, j), n - 1)));
  for (let i = n - 1; i > 0; i--) {
    let scale: f64 = 0;
    let h: f64 = 0;
    for (let k = 0; k < i; k++) scale += abs<f64>(load<f64>(at(d, k)));
    if (scale == 0) {
      store<f64>(at(e, i), load<f64>(at(d, i - 1)));
      for (let j = 0; j < i; j++) {
        store<f64>(at(d, j), load<f64>(at(rowOf(t, n, j), i - 1)));
        store<f64>(at(rowOf(t, n, j), i), 0);
        store<f64>(at(rowOf(t, n, i), j), 0);
      }
    } else {
      for (let k = 0; k < i; k++) {
        const value = load<f64>(at(d, k)) / scale;
        store<f64>(at(d, k), value);
        h += value * value;
      }
      h = reflect(t, n, i, d, e, scale, h);
    }
    store<f64>(at(d, i), h);
  }
}

/** One Householder step for row i; gives h of it back. */
function reflect(t: usize, n: i32, i: i32, d: usize, e: usize, scale: f64, h: f64): f64 {
  let f = load<f64>(at(d, i - 1));
  let g = sqrt<f64>(h);
  if (f > 0) g = -g;
  store<f64>(at(e, i), scale * g);
  h -= f * g;
  store<f64>(at(d, i - 1), f - g);
  memory.fill(e, 0, (<usize>i) << 3);
  for (let j = 0; j < i; j++) {
    f = load<f64>(at(d, j));
    store<f64>(at(rowOf(t, n, i), j), f);
    const row = rowOf(t, n, j);
    const rest = i - 1 - j;
    g = load<f64>(at(e, j)) + load<f64>(at(row, j)) * f;
    g += dotDoubles(at(row, j + 1), at(d, j + 1), rest);
    addScaledDoubles(f, at(row, j + 1), at(e, j + 1), rest);
    store<f64>(at(e, j), g);
  }
  f = 0;
  for (let j = 0; j < i; j++) {
    const value = load<f64>(at(e, j)) / h;
    store<f64>(at(e, j), value);
    f += value * load<f64>(at(d, j));
  }
  addScaledDoubles(-f / (h + h), d, e, i);
  for (let j = 0; j < i; j++) {
    const row = rowOf(t, n, j);
    f = load<f64>(at(d, j));
    g = load<f64>(at(e, j));
    addScaledDoubles(-f, at(e, j), at(row, j), i - j);
    addScaledDoubles(-g, at(d, j), at(row, j), i - j);
    store<f64>(at(d, j), load<f64>(at(row, i - 1)));
    store<f64>(at(row, i), 0);
  }
  return h;
}

/** The product of the reflections. */
function accumulate(t: usize, n: i32, d: usize): void {
  for (let i = 0; i < n - 1; i++) {
    const row = rowOf(t, n, i);
    store<f64>(at(row, n - 1), load<f64>(at(row, i)));
    store<f64>(at(row, i), 1);
    const next = rowOf(t, n, i + 1);
    const h = load<f64>(at(d, i + 1));
    if (h != 0) {
      for (let k = 0; k <= i; k++) store<f64>(at(d, k), load<f64>(at(next, k)) / h);
      for (let j = 0; j <= i; j++) {
        const other = rowOf(t, n, j);
        addScaledDoubles(-dotDoubles(next, other, i + 1), d, other, i + 1);
      }
    }
    memory.fill(next, 0, (<usize>(i + 1)) << 3);
  }
  for (let j = 0; j < n; j++) {
    const last = at(rowOf(t, n, j), n - 1);
    store<f64>(at(d, j), load<f64>(last));
    store<f64>(last, 0);
  }
  store<f64>(at(rowOf(t, n, n - 1), n - 1), 1);
}

function diagonalise(t: usize, n: i32, d: usize, e: usize): i32 {
  for (let i = 1; i < n; i++) store<f64>(at(e, i - 1), load<f64>(at(e, i)));
  store<f64>(at(e, n - 1), 0);
  let shift: f64 = 0;
  let largest: f64 = 0;
  for (let l = 0; l < n; l++) {
    const size = abs<f64>(load<f64>(at(d, l))) + abs<f64>(load<f64>(at(e, l)));
    // Nothing is comparable to what is not a number.
    if (!(size < Infinity)) return 0;
    largest = max(largest, size);
  }
  // By the whole matrix, not by what came so far: where its rank is low the first entries are rounding errors of rounding
  // errors, and their squares no numbers any more.
  const small = EPSILON * largest;
  for (let l = 0; l < n; l++) {
    let m = l;
    while (m < n - 1 && abs<f64>(load<f64>(at(e, m))) > small) m++;
    if (m > l) {
      let steps = 0;
      do {
        if (++steps > MOST_STEPS) return 0;
        shift += step(t, n, d, e, l, m);
      } while (abs<f64>(load<f64>(at(e, l))) > small);
    }
    store<f64>(at(d, l), load<f64>(at(d, l)) + shift);
    store<f64>(at(e, l), 0);
  }
  return 1;
}

/** One implicit QL step between l and m; gives back what it shifted the diagonal by. */
function step(t: usize, n: i32, d: usize, e: usize, l: i32, m: i32): f64 {
  const el = load<f64>(at(e, l));
  const g = load<f64>(at(d, l));
  let p = (load<f64>(at(d, l + 1)) - g) / (2 * el);
  let r = sqrt<f64>(p * p + 1);
  if (p < 0) r = -r;
  store<f64>(at(d, l), el / (p + r));
  store<f64>(at(d, l + 1), el * (p + r));
  const beside = load<f64>(at(d, l + 1));
  const h = g - load<f64>(at(d, l));
  for (let i = l + 2; i < n; i++) store<f64>(at(d, i), load<f64>(at(d, i)) - h);
  p = load<f64>(at(d, m));
  let c: f64 = 1;
  let c2: f64 = 1;
  let c3: f64 = 1;
  const beyond = load<f64>(at(e, l + 1));
  let s: f64 = 0;
  let s2: f64 = 0;
  for (let i = m - 1; i >= l; i--) {
    c3 = c2;
    c2 = c;
    s2 = s;
    const ei = load<f64>(at(e, i));
    const di = load<f64>(at(d, i));
    const cg = c * ei;
    const ch = c * p;
    r = sqrt<f64>(p * p + ei * ei);
    store<f64>(at(e, i + 1), s * r);
    s = ei / r;
    c = p / r;
    p = c * di - s * cg;
    store<f64>(at(d, i + 1), ch + s * (c * cg + s * di));
    turn(rowOf(t, n, i), rowOf(t, n, i + 1), n, c, s);
  }
  p = (-s * s2 * c3 * beyond * load<f64>(at(e, l))) / beside;
  store<f64>(at(e, l), s * p);
  store<f64>(at(d, l), c * p);
  return h;
}

/** (x, y) becomes (c·x - s·y, s·x + c·y), for two rows of n doubles. */
function turn(x: usize, y: usize, n: i32, c: f64, s: f64): void {
  const cosine = f64x2.splat(c);
  const sine = f64x2.splat(s);
  let k = 0;
  for (; k + 2 <= n; k += 2) {
    const a = v128.load(x);
    const b = v128.load(y);
    v128.store(y, f64x2.add(f64x2.mul(sine, a), f64x2.mul(cosine, b)));
    v128.store(x, f64x2.sub(f64x2.mul(cosine, a), f64x2.mul(sine, b)));
    x += 16;
    y += 16;
  }
  if (k < n) {
    const a = load<f64>(x);
    const b = load<f64>(y);
    store<f64>(y, s * a + c * b);
    store<f64>(x, c * a - s * b);
  }
}
