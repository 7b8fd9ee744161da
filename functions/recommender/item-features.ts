import type { Catalogue } from './data.ts';

/** What is known of an item beside who buys it. */
export interface ItemText {
  readonly name: string | null;
  readonly category: string | null;
  readonly brand: string | null;
}

/** Where features lie: categories first, then brands, then the places that words share by their hash. */
export interface FeaturePlaces {
  readonly categories: ReadonlyMap<string, number>;
  readonly brands: ReadonlyMap<string, number>;
  readonly words: number;
  /** Places in all. */
  readonly size: number;
}

/** The most frequent categories, and as many brands, have a place of their own; the others are told by their words alone. */
const MOST_VALUES = 1024;

/** The texts of a catalogue, where there are any. */
type Texts = Partial<Pick<Catalogue, 'names' | 'categories' | 'brands'>>;

/** What the catalogue says of an item. */
export const textOf = ({ names, categories, brands }: Texts, item: number): ItemText => ({
  name: names?.[item] ?? null,
  category: categories?.[item] ?? null,
  brand: brands?.[item] ?? null,
});

/** Places for the categories and brands of at least two of `items`, and `words` places for words. */
export function placeFeatures(catalogue: Texts, items: Iterable<number>, words: number): FeaturePlaces {
  const of = [...items];
  const categories = placesOf(catalogue.categories, of, 0);
  const brands = placesOf(catalogue.brands, of, categories.size);
  return { categories, brands, words, size: categories.size + brands.size + words };
}

/** The values of at least two items, most frequent first, equals by alphabet, from place `first` on. */
function placesOf(
  values: readonly (string | null)[] | undefined,
  items: readonly number[],
  first: number,
): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) {
    const value = values?.[item] ?? null;
    if (value !== null) counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  const known = [...counts].filter(([, count]) => count > 1);
  known.sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return new Map(known.slice(0, MOST_VALUES).map(([value], n) => [value, first + n]));
}

/** An item's features: place and value. Category and brand count 1 each, the words together as much as one of them. */
export function featuresOf(
  { name, category, brand }: ItemText,
  { categories, brands, words }: FeaturePlaces,
): Map<number, number> {
  const found = new Map<number, number>();
  const spoken: (string | null)[] = [name];
  for (const [value, places] of [
    [category, categories],
    [brand, brands],
  ] as const) {
    const place = value === null ? undefined : places.get(value);
    if (place === undefined) spoken.push(value);
    else found.set(place, 1);
  }
  const all = wordsOf(spoken.join(' '));
  const first = categories.size + brands.size;
  for (const word of all) {
    const at = first + (hash(word) % words);
    found.set(at, (found.get(at) ?? 0) + 1 / Math.sqrt(all.length));
  }
  return found;
}

/** Words of two letters or digits and more, each once, whatever their case. */
function wordsOf(text: string): string[] {
  const words =
    text
      .normalize('NFKC')
      .toLowerCase()
      .match(/[\p{L}\p{N}]{2,}/gu) ?? [];
  return [...new Set(words)];
}

/** FNV-1a, 32 bits (Fowler, Noll and Vo, public domain), over UTF-16 units. */
function hash(word: string): number {
  let value = 0x811c9dc5;
  for (let n = 0; n < word.length; n++) value = Math.imul(value ^ word.charCodeAt(n), 0x01000193);
  return value >>> 0;
}

/** The features of items 0 … count-1 as rows: item n's places and values lie at indptr[n] … indptr[n+1]-1. */
export interface FeatureRows {
  readonly indptr: Int32Array;
  readonly place: Int32Array;
  readonly value: Float32Array;
  /** Places in all. */
  readonly size: number;
}

/** Every item's features; none of any item where there are no places. */
export function featureRows(catalogue: Texts, count: number, places: FeaturePlaces | null): FeatureRows {
  const indptr = new Int32Array(count + 1);
  if (places === null) return { indptr, place: new Int32Array(), value: new Float32Array(), size: 0 };
  const [place, value]: [number[], number[]] = [[], []];
  for (let item = 0; item < count; item++) {
    for (const [at, x] of featuresOf(textOf(catalogue, item), places)) {
      place.push(at);
      value.push(x);
    }
    indptr[item + 1] = place.length;
  }
  return { indptr, place: Int32Array.from(place), value: Float32Array.from(value), size: places.size };
}
