/**
 * Ranges of a whole-numbered key by what a server estimates of them. Numbers are rarely spread evenly, and one outlier may be
 * far from all others: so a range is halved only as long as more rows are estimated in it than wanted.
 */
import { joinNeighbours } from './neighbours.ts';

/** A range of keys: from `from` on, below `to`; null is open. */
export interface KeyRange {
  readonly from: bigint | null;
  readonly to: bigint | null;
}

/**
 * At most `count` ranges over the keys `least` to `most`, of about as many rows each by `estimate(low, below)`. The first
 * and the last are open: whatever the bounds are by now, no row is outside.
 */
export async function cutRange(
  least: bigint,
  most: bigint,
  count: number,
  estimate: (low: bigint, below: bigint) => Promise<number>,
): Promise<readonly KeyRange[]> {
  const total = await estimate(least, most + 1n);
  const wanted = Math.max(1, total / count);
  const pieces: Piece[] = [{ from: least, below: most + 1n, rows: total }];
  // The budget ends the search where estimates are always wrong; a key far from all others takes some sixty looks.
  for (let looks = 0; looks < MIN_LOOKS + 4 * count; looks++) {
    const at = greatestOf(pieces, wanted);
    const piece = pieces[at];
    if (piece === undefined) break;
    const { from, below, rows } = piece;
    const middle = from + (below - from) / 2n;
    const left = Math.min(rows, await estimate(from, middle));
    pieces.splice(at, 1, { from, below: middle, rows: left }, { from: middle, below, rows: rows - left });
  }
  // Pieces smaller than wanted are joined, so that an uneven spread still gives even units.
  const starts = joinNeighbours(pieces, ({ rows }) => rows, wanted, count).map(([first]) => first.from);
  return starts.map((start, index) => ({
    from: index === 0 ? null : start,
    to: starts[index + 1] ?? null,
  }));
}

const MIN_LOOKS = 256;

interface Piece {
  readonly from: bigint;
  readonly below: bigint;
  readonly rows: number;
}

/** Where the piece with the most rows is, of those that have more than `wanted` and can be halved; −1 without one. */
function greatestOf(pieces: readonly Piece[], wanted: number): number {
  let found = -1;
  let most = wanted;
  pieces.forEach(({ from, below, rows }, index) => {
    if (rows <= most || below - from < 2n) return;
    most = rows;
    found = index;
  });
  return found;
}
