/**
 * One pass over quantised items: which of the allowed ones can be among the k of highest inner product with a query. Of item i
 * the true score lies within `slack` of scale[i] · step · (bytes[i] · query), where slack = error[i] · length + norm[i] ·
 * residual; both are multiplied by weights[i] where `weights` is not 0. An item is a candidate if the upper end of its range
 * is positive and not below the k-th largest lower end seen so far; whose reach[i] · length (times its weight) is below that
 * cannot be one, and is not looked at.
 *
 * `query` holds d 16-bit numbers, `bytes` n × d bytes (d a multiple of 16), `allowed` a bit per item, the arrays per item a
 * multiple of 32 entries, `heap` room for k floats, `ids` and `uppers` room for n. `state` holds two numbers, how many
 * candidates there are and how many entries the heap has: both go on from where a former pass over other items ended. Of a
 * full heap the first entry is the k-th largest lower end.
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
  reach: usize,
  weights: usize,
  step: f32,
  length: f32,
  residual: f32,
  k: i32,
  heap: usize,
  ids: usize,
  uppers: usize,
  state: usize,
): void {
  let found = <usize>load<i32>(state);
  let size = load<i32>(state, 4);
  let threshold: f32 = size == k ? load<f32>(heap) : 0;
  for (let word = 0; word < words; word++) {
    let bits = load<u32>(allowed + ((<usize>word) << 2));
    if (bits == 0) continue;
    const first = (<usize>word) << 7;
    bits &= reaching(reach + first, weights == 0 ? 0 : weights + first, threshold / length);
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
  store<i32>(state, <i32>found);
  store<i32>(state, size, 4);
}

/** A bit for each of 32 items, set where its reach (times its weight) is not below `cut`. */
function reaching(reach: usize, weights: usize, cut: f32): u32 {
  const least = f32x4.splat(cut);
  let bits: u32 = 0;
  for (let four: u32 = 0; four < 8; four++) {
    const at = (<usize>four) << 4;
    let far = v128.load(reach + at);
    if (weights != 0) far = f32x4.mul(far, v128.load(weights + at));
    bits |= (<u32>i32x4.bitmask(f32x4.ge(far, least))) << (four << 2);
  }
  return bits;
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
