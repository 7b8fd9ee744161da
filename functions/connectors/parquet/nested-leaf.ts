/**
 * A leaf below lists, maps or structs: its levels and values entry by entry. A row may reach over pages, so rows count as
 * ready only when the beginning of the next one, or the end, has been seen.
 */
import type { ByteBudget } from './byte-budget.ts';
import { FormatError } from './format-error.ts';
import type { ShowJson } from './json-values.ts';
import type { Misfit } from './misfit.ts';
import type { Page, PageSource } from './pages.ts';

/** What an entry takes in memory besides the text of its value, roughly. */
const ENTRY_BYTES = 64;

export class NestedLeaf {
  /** Whole rows that can be taken before `load`. */
  ready = 0;
  private readonly pages: PageSource;
  private readonly show: ShowJson;
  private readonly highest: number;
  private readonly budget: ByteBudget;
  private repetitions: number[] = [];
  private definitions: number[] = [];
  private shown: (string | Misfit | null)[] = [];
  private held = 0;
  private at = 0;
  private over = false;

  /** `highest`: the definition level of a value that is there. */
  constructor(pages: PageSource, highest: number, show: ShowJson, budget: ByteBudget) {
    this.pages = pages;
    this.highest = highest;
    this.show = show;
    this.budget = budget;
  }

  /** Definition and repetition level of the next entry; −1 after the last. */
  get definition(): number {
    return this.definitions[this.at] ?? -1;
  }
  get repetition(): number {
    return this.repetitions[this.at] ?? -1;
  }

  /** Every entry was taken. The last row is ready only once the end was seen. */
  get finished(): boolean {
    return this.over && this.at === this.shown.length;
  }

  /** Takes the next entry: its value's JSON, null where there is no value. @throws FormatError after the last */
  next(): string | Misfit | null {
    const shown = this.shown[this.at++];
    if (shown === undefined) throw new FormatError('a nested column has fewer values than its rows need');
    return shown;
  }

  /** Reads pages until a row is whole. @throws FormatError where there is none any more */
  async load(): Promise<void> {
    if (this.ready > 0) return;
    this.repetitions = this.repetitions.slice(this.at);
    this.definitions = this.definitions.slice(this.at);
    this.shown = this.shown.slice(this.at);
    this.at = 0;
    this.budget.give(this.held);
    this.held = this.shown.length * ENTRY_BYTES;
    this.budget.take(this.held);
    while (this.ready === 0) {
      const page = this.over ? null : await this.pages.next();
      if (page === null) {
        if (this.over) throw new FormatError('a column has fewer values than its row group has rows');
        this.over = true;
        // The last row is whole now.
        this.ready = this.shown.length > 0 ? 1 : 0;
      } else this.add(page);
    }
  }

  close(): void {
    this.budget.give(this.held);
    this.held = 0;
    this.pages.close();
  }

  private add(page: Page): void {
    const { count, definitions, repetitions, values, indices } = page;
    let place = 0;
    this.hold(count * ENTRY_BYTES);
    let bytes = 0;
    for (let entry = 0; entry < count; entry++) {
      const definition = definitions === null ? this.highest : definitions[entry]!;
      const repetition = repetitions === null ? 0 : repetitions[entry]!;
      // A beginning ends the row before it.
      if (repetition === 0 && this.shown.length > 0) this.ready++;
      if (repetition !== 0 && this.shown.length === 0)
        throw new FormatError('a nested column begins in the middle of a row');
      let shown: string | Misfit | null = null;
      if (definition === this.highest) {
        shown = this.show(values, indices === null ? place : indices[place]!);
        place++;
        if (typeof shown === 'string') bytes += shown.length;
        if (bytes > 1 << 20) bytes = this.hold(bytes);
      }
      this.repetitions.push(repetition);
      this.definitions.push(definition);
      this.shown.push(shown);
    }
    this.hold(bytes);
  }

  private hold(bytes: number): number {
    this.budget.take(bytes);
    this.held += bytes;
    return 0;
  }
}
