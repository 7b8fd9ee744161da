/**
 * One pass over quantised items: which of the allowed ones can be among the k of highest inner product with a query. Of item i
 * the true score lies within `slack` of scale[i] · step · (bytes[i] · query), where slack = error[i] · length + norm[i] ·
 * residual; both are multiplied by weights[i] where `weights` is not 0. An item is a candidate if the upper end of its range
 * is positive and not below the k-th largest lower end seen so far.
 *
 * `query` holds d 16-bit numbers, `bytes` n × d bytes (d a multiple of 16), `allowed` a bit per item, `heap` room for k floats,
 * `ids` and `uppers` room for n. Candidates ascend. The heap's first entry is in the end the k-th largest lower end, or 0 where
 * there are fewer than k.
 * @returns how many candidates there are
 */
export function scanCandidates(
  query: usize,
  bytes: usize,
  d: i32,
  allowed: usize,
  words: i32,
  scale: usize,
  error: usize,
  norm: usize,
  weights: usize,
  step: f32,
  length: f32,
  residual: f32,
  k: i32,
  heap: usize,
  ids: usize,
  uppers: usize,
): i32 {
  let found: usize = 0;
  let size = 0;
  let threshold: f32 = 0;
  for (let word = 0; word < words; word++) {
    let bits = load<u32>(allowed + ((<usize>word) << 2));
    while (bits != 0) {
      const item = <usize>((word << 5) + ctz(bits));
      bits &= bits - 1;
      const at = item << 2;
      const middle = <f32>dot(query, bytes + item * <usize>d, d) * load<f32>(scale + at) * step;
      const slack = load<f32>(error + at) * length + load<f32>(norm + at) * residual;
      let upper = middle + slack;
      let lower = middle - slack;
      if (weights != 0) {
        const weight = load<f32>(weights + at);
        upper *= weight;
        lower *= weight;
      }
      if (upper <= 0 || upper < threshold) continue;
      store<i32>(ids + (found << 2), <i32>item);
      store<f32>(uppers + (found << 2), upper);
      found++;
      if (lower <= threshold) continue;
      if (size < k) {
        rise(heap, size++, lower);
        if (size == k) threshold = load<f32>(heap);
      } else {
        sink(heap, k, lower);
        threshold = load<f32>(heap);
      }
    }
  }
  if (size < k) store<f32>(heap, 0);
  return <i32>found;
}

function dot(query: usize, bytes: usize, d: i32): i32 {
  let a = i32x4.splat(0);
  let b = a;
  const end = bytes + <usize>d;
  while (bytes < end) {
    a = i32x4.add(a, i32x4.dot_i16x8_s(v128.load8x8_s(bytes), v128.load(query)));
    b = i32x4.add(b, i32x4.dot_i16x8_s(v128.load8x8_s(bytes, 8), v128.load(query, 16)));
    bytes += 16;
    query += 32;
  }
  a = i32x4.add(a, b);
  a = i32x4.add(a, v128.shuffle<i32>(a, a, 2, 3, 0, 1));
  return i32x4.extract_lane(a, 0) + i32x4.extract_lane(a, 1);
}

/** Puts `value` into a heap of `size` floats, smallest first. */
function rise(heap: usize, size: i32, value: f32): void {
  let place = size;
  while (place > 0) {
    const parent = (place - 1) >> 1;
    const above = load<f32>(heap + ((<usize>parent) << 2));
    if (above <= value) break;
    store<f32>(heap + ((<usize>place) << 2), above);
    place = parent;
  }
  store<f32>(heap + ((<usize>place) << 2), value);
}

/** Puts `value` in the place of the smallest of `size` floats. */
function sink(heap: usize, size: i32, value: f32): void {
  let place = 0;
  for (;;) {
    let child = 2 * place + 1;
    if (child >= size) break;
    let below = load<f32>(heap + ((<usize>child) << 2));
    if (child + 1 < size) {
      const other = load<f32>(heap + ((<usize>child) << 2), 4);
      if (other < below) {
        below = other;
        child++;
      }
    }
    if (below >= value) break;
    store<f32>(heap + ((<usize>place) << 2), below);
    place = child;
  }
  store<f32>(heap + ((<usize>place) << 2), value);
}
