import { subtractProduct } from './lib/vector';

/**
 * result[r][8p + q] -= Σ_t left[t][r] · right[p][t][q] for r < 4, q < 8, p < panels: `left` holds depth × 4 floats, `right`
 * panels × depth × 8, `result` four rows `stride` bytes apart. Eight sums stay in registers while the terms are added.
 */
export function subtractPanels(
  left: usize,
  right: usize,
  result: usize,
  stride: usize,
  panels: i32,
  depth: i32,
): void {
  for (let p = 0; p < panels; p++) {
    const row1 = result + stride;
    const row2 = row1 + stride;
    const row3 = row2 + stride;
    let a0 = v128.load(result);
    let a1 = v128.load(result, 16);
    let b0 = v128.load(row1);
    let b1 = v128.load(row1, 16);
    let c0 = v128.load(row2);
    let c1 = v128.load(row2, 16);
    let d0 = v128.load(row3);
    let d1 = v128.load(row3, 16);
    let at = left;
    for (let t = 0; t < depth; t++) {
      const low = v128.load(right);
      const high = v128.load(right, 16);
      let spread = v128.load32_splat(at);
      a0 = subtractProduct(spread, low, a0);
      a1 = subtractProduct(spread, high, a1);
      spread = v128.load32_splat(at, 4);
      b0 = subtractProduct(spread, low, b0);
      b1 = subtractProduct(spread, high, b1);
      spread = v128.load32_splat(at, 8);
      c0 = subtractProduct(spread, low, c0);
      c1 = subtractProduct(spread, high, c1);
      spread = v128.load32_splat(at, 12);
      d0 = subtractProduct(spread, low, d0);
      d1 = subtractProduct(spread, high, d1);
      at += 16;
      right += 32;
    }
    v128.store(result, a0);
    v128.store(result, a1, 16);
    v128.store(row1, b0);
    v128.store(row1, b1, 16);
    v128.store(row2, c0);
    v128.store(row2, c1, 16);
    v128.store(row3, d0);
    v128.store(row3, d1, 16);
    result += 32;
  }
}
