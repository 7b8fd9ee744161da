/** Vectors of four floats and loops over rows whose length is a multiple of 8; addresses are bytes. */

/** c + a·b, per lane. */
export function addProduct(a: v128, b: v128, c: v128): v128 {
  return f32x4.add(f32x4.mul(a, b), c);
}

/** c - a·b, per lane. */
export function subtractProduct(a: v128, b: v128, c: v128): v128 {
  return f32x4.sub(c, f32x4.mul(a, b));
}

/** The sum of the four lanes, always in the same order. */
export function sumLanes(v: v128): f32 {
  return (
    f32x4.extract_lane(v, 0) +
    f32x4.extract_lane(v, 1) +
    (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3))
  );
}

/** a · b over n floats. */
export function dot(a: usize, b: usize, n: i32): f32 {
  let even = f32x4.splat(0);
  let odd = f32x4.splat(0);
  const end = a + ((<usize>n) << 2);
  while (a < end) {
    even = addProduct(v128.load(a), v128.load(b), even);
    odd = addProduct(v128.load(a, 16), v128.load(b, 16), odd);
    a += 32;
    b += 32;
  }
  return sumLanes(f32x4.add(even, odd));
}

/** y += factor · x over n floats. */
export function addScaled(factor: f32, x: usize, y: usize, n: i32): void {
  const spread = f32x4.splat(factor);
  const end = x + ((<usize>n) << 2);
  while (x < end) {
    v128.store(y, addProduct(spread, v128.load(x), v128.load(y)));
    v128.store(y, addProduct(spread, v128.load(x, 16), v128.load(y, 16)), 16);
    x += 32;
    y += 32;
  }
}
