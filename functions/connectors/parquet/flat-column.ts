/** A flat column of a row group, entry by entry: one value or null for each row. */
import { FormatError } from './format-error.ts';
import { NO_VALUES, type PageValues } from './page-values.ts';
import type { Page, PageSource } from './pages.ts';

export class FlatColumn {
  /** The values that `next` points into. */
  values: PageValues = NO_VALUES;
  /** Rows that can be taken before `load`. */
  ready = 0;
  private readonly pages: PageSource;
  private page: Page | null = null;
  private at = 0;
  private place = 0;
  private readonly highest: number;

  /** `highest`: the definition level of a value that is there. */
  constructor(pages: PageSource, highest: number) {
    this.pages = pages;
    this.highest = highest;
  }

  /** Takes the next page where the one before is used up. @throws FormatError where there is none */
  async load(): Promise<void> {
    if (this.ready > 0) return;
    this.page = null;
    this.values = NO_VALUES;
    this.page = await this.pages.next();
    if (this.page === null) throw new FormatError('a column has fewer values than its row group has rows');
    this.values = this.page.values;
    this.ready = this.page.count;
    this.at = 0;
    this.place = 0;
  }

  /** Where the next row's value is in `values`; −1 for null. Only while `ready`. */
  next(): number {
    const { page } = this;
    if (page === null) throw new RangeError('a row was taken before its page was loaded');
    this.ready--;
    const there = page.definitions === null || page.definitions[this.at] === this.highest;
    this.at++;
    if (!there) return -1;
    const place = this.place++;
    return page.indices === null ? place : page.indices[place]!;
  }

  close(): void {
    this.ready = 0;
    this.page = null;
    this.values = NO_VALUES;
    this.pages.close();
  }
}
