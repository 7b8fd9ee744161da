import { subtractTile } from './lib/tile';

/**
 * result[r][8p + q] -= Σ_t left[t][r] · right[p][t][q] for r < 4, q < 8, p < panels: `left` holds depth × 4 floats, `right`
 * panels × depth × 8, `result` four rows `stride` bytes apart.
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
    subtractTile(left, right, 16, 32, depth, result, stride);
    right += (<usize>depth) << 5;
    result += 32;
  }
}
