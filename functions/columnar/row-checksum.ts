/** The checksum over the rows of a table, a page at a time; core/sql/figures.ts says what it is, and asks the warehouse for it. */
import { type Column } from '#core/column';
import { FIGURE_MASK, hasFigure, NULL_FIGURE, weightOf } from '#core/sql/figures';
import { freeNow } from './free-memory.ts';

/** A column's page, as far as its rows go into the checksum. */
export interface Figured {
  readonly rows: number;
  readonly nulls: number;
  readonly presence: Uint8Array;
  /** The figures of the page's values, without nulls, into `out`; only their 31 lowest bits count. */
  figuresInto(out: Int32Array): void;
  /** Of a page without nulls: adds `weight` times the figure of each row to `sums`, wrapping around at 32 bits. */
  addFigures?(sums: Int32Array, weight: number): void;
}

/** Adds up the checksum of a table's rows, page by page. */
export class RowChecksum {
  private total = 0n;
  private readonly weights: readonly number[];
  private readonly figures: Int32Array;
  private readonly sums: Int32Array;

  /** Pages have at most `maxRows` rows. */
  constructor(columns: readonly Column[], maxRows: number) {
    this.weights = columns.map((column, index) => (hasFigure(column, index) ? weightOf(index) : 0));
    this.figures = new Int32Array(maxRows);
    this.sums = new Int32Array(maxRows);
  }

  /** Adds a page of `rows` rows, of which `pages` hold one column each. */
  add(pages: readonly Figured[], rows: number): void {
    const { sums } = this;
    sums.fill(0, 0, rows);
    pages.forEach((page, index) => {
      const weight = this.weights[index]!;
      if (weight === 0) return;
      if (page.nulls === 0 && page.addFigures !== undefined) {
        page.addFigures(sums, weight);
        return;
      }
      page.figuresInto(this.figures);
      if (page.nulls === 0) addAll(sums, this.figures, weight, rows);
      else addPresent(sums, this.figures, weight, rows, page.presence);
    });
    // Each is below 2^32 and a page has 2^20 rows at most, so no digit is lost.
    let sum = 0;
    for (let row = 0; row < rows; row++) {
      const r = sums[row]! & FIGURE_MASK;
      sum += Math.imul(r, (r >>> 15) | 1) >>> 0;
    }
    this.total += BigInt(sum);
  }

  /** Nothing more is added. */
  release(): void {
    freeNow(this.figures);
    freeNow(this.sums);
  }

  get value(): bigint {
    return this.total;
  }
}

/*
 * The warehouse adds up products of 15 and 31 bits in 64. Here they wrap around at 32, and figures may have a bit more: the
 * lowest 31 bits of the sum, which count, are the same.
 */
function addAll(sums: Int32Array, figures: Int32Array, weight: number, rows: number): void {
  for (let row = 0; row < rows; row++) sums[row]! += Math.imul(weight, figures[row]!);
}

function addPresent(
  sums: Int32Array,
  figures: Int32Array,
  weight: number,
  rows: number,
  presence: Uint8Array,
): void {
  const ofNull = Math.imul(weight, NULL_FIGURE);
  let value = 0;
  for (let row = 0; row < rows; row++)
    sums[row]! +=
      (presence[row >> 3]! & (1 << (row & 7))) === 0 ? ofNull : Math.imul(weight, figures[value++]!);
}
