/** Loops over doubles, any number of them; addresses are bytes. */

/** a · b over n doubles. */
export function dotDoubles(a: usize, b: usize, n: i32): f64 {
  let even = f64x2.splat(0);
  let odd = f64x2.splat(0);
  let k = 0;
  for (; k + 4 <= n; k += 4) {
    even = f64x2.add(even, f64x2.mul(v128.load(a), v128.load(b)));
    odd = f64x2.add(odd, f64x2.mul(v128.load(a, 16), v128.load(b, 16)));
    a += 32;
    b += 32;
  }
  even = f64x2.add(even, odd);
  let sum = f64x2.extract_lane(even, 0) + f64x2.extract_lane(even, 1);
  for (; k < n; k++) {
    sum += load<f64>(a) * load<f64>(b);
    a += 8;
    b += 8;
  }
  return sum;
}

/** y += factor · x over n doubles. */
export function addScaledDoubles(factor: f64, x: usize, y: usize, n: i32): void {
  const spread = f64x2.splat(factor);
  let k = 0;
  for (; k + 4 <= n; k += 4) {
    v128.store(y, f64x2.add(v128.load(y), f64x2.mul(spread, v128.load(x))));
    v128.store(y, f64x2.add(v128.load(y, 16), f64x2.mul(spread, v128.load(x, 16))), 16);
    x += 32;
    y += 32;
  }
  for (; k < n; k++) {
    store<f64>(y, load<f64>(y) + factor * load<f64>(x));
    x += 8;
    y += 8;
  }
}
