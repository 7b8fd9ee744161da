import { addProduct, subtractProduct } from './vector';

/**
 * The inner loop of all matrix work: 4 × 8 results stay in registers while n products are added. Rows t of `a` and `b` lie
 * `strideA` and `strideB` bytes apart, rows of `c` `strideC`.
 */

/** c[i][j] += Σ_t a[t][i] · b[t][j] for i < 4, j < 8, t < n. */
export function addTile(
  a: usize,
  b: usize,
  strideA: usize,
  strideB: usize,
  n: i32,
  c: usize,
  strideC: usize,
): void {
  const row1 = c + strideC;
  const row2 = row1 + strideC;
  const row3 = row2 + strideC;
  let c00 = v128.load(c);
  let c01 = v128.load(c, 16);
  let c10 = v128.load(row1);
  let c11 = v128.load(row1, 16);
  let c20 = v128.load(row2);
  let c21 = v128.load(row2, 16);
  let c30 = v128.load(row3);
  let c31 = v128.load(row3, 16);
  for (let t = 0; t < n; t++) {
    const low = v128.load(b);
    const high = v128.load(b, 16);
    const s0 = v128.load32_splat(a);
    const s1 = v128.load32_splat(a, 4);
    const s2 = v128.load32_splat(a, 8);
    const s3 = v128.load32_splat(a, 12);
    c00 = addProduct(s0, low, c00);
    c01 = addProduct(s0, high, c01);
    c10 = addProduct(s1, low, c10);
    c11 = addProduct(s1, high, c11);
    c20 = addProduct(s2, low, c20);
    c21 = addProduct(s2, high, c21);
    c30 = addProduct(s3, low, c30);
    c31 = addProduct(s3, high, c31);
    a += strideA;
    b += strideB;
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  v128.store(row1, c10);
  v128.store(row1, c11, 16);
  v128.store(row2, c20);
  v128.store(row2, c21, 16);
  v128.store(row3, c30);
  v128.store(row3, c31, 16);
}

/** c[i][j] -= Σ_t a[t][i] · b[t][j] for i < 4, j < 8, t < n. */
export function subtractTile(
  a: usize,
  b: usize,
  strideA: usize,
  strideB: usize,
  n: i32,
  c: usize,
  strideC: usize,
): void {
  const row1 = c + strideC;
  const row2 = row1 + strideC;
  const row3 = row2 + strideC;
  let c00 = v128.load(c);
  let c01 = v128.load(c, 16);
  let c10 = v128.load(row1);
  let c11 = v128.load(row1, 16);
  let c20 = v128.load(row2);
  let c21 = v128.load(row2, 16);
  let c30 = v128.load(row3);
  let c31 = v128.load(row3, 16);
  for (let t = 0; t < n; t++) {
    const low = v128.load(b);
    const high = v128.load(b, 16);
    const s0 = v128.load32_splat(a);
    const s1 = v128.load32_splat(a, 4);
    const s2 = v128.load32_splat(a, 8);
    const s3 = v128.load32_splat(a, 12);
    c00 = subtractProduct(s0, low, c00);
    c01 = subtractProduct(s0, high, c01);
    c10 = subtractProduct(s1, low, c10);
    c11 = subtractProduct(s1, high, c11);
    c20 = subtractProduct(s2, low, c20);
    c21 = subtractProduct(s2, high, c21);
    c30 = subtractProduct(s3, low, c30);
    c31 = subtractProduct(s3, high, c31);
    a += strideA;
    b += strideB;
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  v128.store(row1, c10);
  v128.store(row1, c11, 16);
  v128.store(row2, c20);
  v128.store(row2, c21, 16);
  v128.store(row3, c30);
  v128.store(row3, c31, 16);
}

/** The upper half of c += xᵀx over n rows of d floats; of each four rows the columns from the 8 of their diagonal on. */
export function addOuter(x: usize, strideX: usize, n: i32, c: usize, strideC: usize, d: i32): void {
  for (let i = 0; i < d; i += 4) {
    const row = c + <usize>i * strideC;
    for (let j = i & ~7; j < d; j += 8) {
      const at = (<usize>j) << 2;
      addTile(x + ((<usize>i) << 2), x + at, strideX, strideX, n, row + at, strideC);
    }
  }
}

/** As `addOuter`, subtracting. */
export function subtractOuter(x: usize, strideX: usize, n: i32, c: usize, strideC: usize, d: i32): void {
  for (let i = 0; i < d; i += 4) {
    const row = c + <usize>i * strideC;
    for (let j = i & ~7; j < d; j += 8) {
      const at = (<usize>j) << 2;
      subtractTile(x + ((<usize>i) << 2), x + at, strideX, strideX, n, row + at, strideC);
    }
  }
}
