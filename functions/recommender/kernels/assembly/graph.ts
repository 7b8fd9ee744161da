/**
 * y[r] = rowScale[r] · Σ_c columnScale[c] · x[c] over the entries c of row r, for rows [from, to): a sparse matrix of ones,
 * scaled on both sides, times a dense one of k columns (a multiple of 4). Eight sums of four stay in registers.
 */
export function spreadRows(
  y: usize,
  x: usize,
  k: i32,
  indptr: usize,
  index: usize,
  rowScale: usize,
  columnScale: usize,
  from: i32,
  to: i32,
): void {
  const width = (<usize>k) << 2;
  for (let r = from; r < to; r++) {
    const place = indptr + ((<usize>r) << 2);
    const first = index + ((<usize>load<i32>(place)) << 2);
    const end = index + ((<usize>load<i32>(place, 4)) << 2);
    const scale = v128.load32_splat(rowScale + ((<usize>r) << 2));
    const row = y + <usize>r * width;
    let at: usize = 0;
    for (; at + 128 <= width; at += 128) {
      let a = f32x4.splat(0);
      let b = a;
      let c = a;
      let d = a;
      let e = a;
      let f = a;
      let g = a;
      let h = a;
      for (let p = first; p < end; p += 4) {
        const column = <usize>load<i32>(p);
        const from = x + column * width + at;
        const w = v128.load32_splat(columnScale + (column << 2));
        a = f32x4.add(a, f32x4.mul(w, v128.load(from)));
        b = f32x4.add(b, f32x4.mul(w, v128.load(from, 16)));
        c = f32x4.add(c, f32x4.mul(w, v128.load(from, 32)));
        d = f32x4.add(d, f32x4.mul(w, v128.load(from, 48)));
        e = f32x4.add(e, f32x4.mul(w, v128.load(from, 64)));
        f = f32x4.add(f, f32x4.mul(w, v128.load(from, 80)));
        g = f32x4.add(g, f32x4.mul(w, v128.load(from, 96)));
        h = f32x4.add(h, f32x4.mul(w, v128.load(from, 112)));
      }
      v128.store(row + at, f32x4.mul(scale, a));
      v128.store(row + at, f32x4.mul(scale, b), 16);
      v128.store(row + at, f32x4.mul(scale, c), 32);
      v128.store(row + at, f32x4.mul(scale, d), 48);
      v128.store(row + at, f32x4.mul(scale, e), 64);
      v128.store(row + at, f32x4.mul(scale, f), 80);
      v128.store(row + at, f32x4.mul(scale, g), 96);
      v128.store(row + at, f32x4.mul(scale, h), 112);
    }
    for (; at < width; at += 16) {
      let a = f32x4.splat(0);
      for (let p = first; p < end; p += 4) {
        const column = <usize>load<i32>(p);
        const w = v128.load32_splat(columnScale + (column << 2));
        a = f32x4.add(a, f32x4.mul(w, v128.load(x + column * width + at)));
      }
      v128.store(row + at, f32x4.mul(scale, a));
    }
  }
}

/** y += a · x over `count` floats, a multiple of 4. */
export function addScaled(y: usize, x: usize, a: f32, count: i32): void {
  const by = f32x4.splat(a);
  for (let n: usize = 0, end = (<usize>count) << 2; n < end; n += 16)
    v128.store(y + n, f32x4.add(v128.load(y + n), f32x4.mul(by, v128.load(x + n))));
}

/**
 * result[4g + r] -= Σ_t packed[g][t][r] · vector[t] for g < groups, r < 4: a matrix packed by four rows times a vector.
 * `depth` is a multiple of 4.
 */
export function subtractGroups(result: usize, packed: usize, vector: usize, depth: i32, groups: i32): void {
  const end = vector + ((<usize>depth) << 2);
  for (let g = 0; g < groups; g++) {
    let a = f32x4.splat(0);
    let b = a;
    let c = a;
    let d = a;
    for (let t = vector; t < end; t += 16) {
      a = f32x4.add(a, f32x4.mul(v128.load(packed), v128.load32_splat(t)));
      b = f32x4.add(b, f32x4.mul(v128.load(packed, 16), v128.load32_splat(t, 4)));
      c = f32x4.add(c, f32x4.mul(v128.load(packed, 32), v128.load32_splat(t, 8)));
      d = f32x4.add(d, f32x4.mul(v128.load(packed, 48), v128.load32_splat(t, 12)));
      packed += 64;
    }
    const sum = f32x4.add(f32x4.add(a, b), f32x4.add(c, d));
    v128.store(result, f32x4.sub(v128.load(result), sum));
    result += 16;
  }
}
