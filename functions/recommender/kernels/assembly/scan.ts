/**
 * One pass over quantised items: which of the allowed ones can be among the k of highest inner product with a query. The items
 * lie by falling reach, row p being item order[p]. Its true score lies within `slack` of scale[p] · step · (bytes[p] · query),
 * where slack = error[p] · length + norm[p] · residual; both are multiplied by the item's weight (`weights` by item, none of
 * them above `heaviest`) where `weights` is not 0. An item is a candidate if the upper end of its range is positive and not
 * below the k-th largest lower end seen so far. No score is above reach[p] · length · heaviest: where that is below it too, the
 * pass ends.
 *
 * `query` holds d 16-bit numbers, `bytes` n × d bytes (d a multiple of 16), `allowed` a bit per item, `heap` room for k floats,
 * `ids` and `uppers` room for n. The heap's first entry is in the end the k-th largest lower end, or 0 where there are fewer
 * positive ones.
 * @returns how many candidates there are
 */
export function scanCandidates(
  query: usize,
  bytes: usize,
  d: i32,
  n: i32,
  order: usize,
  allowed: usize,
  scale: usize,
  error: usize,
  norm: usize,
  reach: usize,
  weights: usize,
  heaviest: f32,
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
  const end = (<usize>n) << 2;
  for (let at: usize = 0; at < end; at += 4) {
    const most = load<f32>(reach + at) * length * heaviest;
    if (most <= 0 || most < threshold) break;
    const item = load<u32>(order + at);
    const bits = load<u32>(allowed + ((<usize>(item >> 5)) << 2));
    if (((bits >> (item & 31)) & 1) == 0) continue;
    const middle = <f32>dot(query, bytes + (at >> 2) * <usize>d, d) * load<f32>(scale + at) * step;
    const slack = load<f32>(error + at) * length + load<f32>(norm + at) * residual;
    let upper = middle + slack;
    let lower = middle - slack;
    if (weights != 0) {
      const weight = load<f32>(weights + ((<usize>item) << 2));
      upper *= weight;
      lower *= weight;
    }
    if (upper <= 0 || upper < threshold) continue;
    store<u32>(ids + (found << 2), item);
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
