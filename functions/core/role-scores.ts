/** How well a column fits each role of a data set, 0 to 1, by its name and type. Used by guess-roles.ts alone. */
import type { ColumnType } from './column.ts';
import type { Concept, Reading } from './column-words.ts';

/** A column with its name read. */
export interface ReadColumn {
  readonly name: string;
  readonly type: ColumnType;
  readonly reading: Reading;
}
/** 0: does not fit. */
export type Score = (column: ReadColumn) => number;

const FAMILIES = {
  number: ['INT64', 'FLOAT64', 'NUMERIC', 'BIGNUMERIC'],
  text: ['STRING'],
  time: ['DATE', 'DATETIME', 'TIMESTAMP'],
} as const satisfies Record<string, readonly ColumnType[]>;

/** Types that can be compared with each other; keys of different families never join. */
export function family(type: ColumnType): 'number' | 'text' | 'time' | 'other' {
  const within = (types: readonly ColumnType[]) => types.includes(type);
  if (within(FAMILIES.number)) return 'number';
  if (within(FAMILIES.text)) return 'text';
  return within(FAMILIES.time) ? 'time' : 'other';
}

const any = (about: ReadonlySet<Concept>, ...concepts: readonly Concept[]) =>
  concepts.some((c) => about.has(c));

/** Things that a column naming a customer or an item is not. */
const NOT_A_KEY = [
  'name',
  'description',
  'date',
  'quantity',
  'price',
  'value',
  'total',
  'category',
  'brand',
  'superseded',
  'supplier',
  'place',
  'parent',
  'contact',
  'not-charged',
  'line',
  'type',
] as const satisfies readonly Concept[];

const isKeyType = ({ type }: ReadColumn) => family(type) === 'number' || family(type) === 'text';

export const customerScore: Score = (column) => {
  const about = column.reading.concepts;
  if (!isKeyType(column) || any(about, ...NOT_A_KEY)) return 0;
  const base = about.has('customer') ? 0.8 : about.has('person') && !any(about, 'item', 'order') ? 0.4 : 0;
  if (base === 0) return 0;
  return (
    base + (about.has('id') ? 0.2 : 0) - (about.has('other-date') ? 0.3 : 0) - 0.05 * column.reading.unknown
  );
};

export const itemScore: Score = (column) => {
  const about = column.reading.concepts;
  const stockCode = about.has('stock') && about.has('id');
  if (!isKeyType(column) || any(about, ...NOT_A_KEY.filter((c) => c !== 'not-charged' || !stockCode)))
    return 0;
  if (any(about, 'customer') || (any(about, 'order') && !about.has('id'))) return 0;
  if (!about.has('item') && !stockCode) return 0;
  return 0.8 + (about.has('id') ? 0.2 : 0) - (about.has('weak') ? 0.1 : 0) - 0.05 * column.reading.unknown;
};

export const timeScore: Score = ({ type, reading }) => {
  if (family(type) !== 'time') return 0;
  const about = reading.concepts;
  if (about.has('other-date')) return 0.25;
  if (about.has('order')) return 1;
  if (about.has('created')) return 0.75;
  return about.has('date') ? 0.85 - 0.1 * reading.unknown : 0.4;
};

export const quantityScore: Score = ({ type, reading }) => {
  const about = reading.concepts;
  if (family(type) !== 'number' || !about.has('quantity')) return 0;
  if (any(about, 'price', 'value', 'total', 'not-charged', 'id', 'stock')) return 0;
  const unitOnly = reading.words.every((word) => word === 'unit');
  return 1 - (unitOnly ? 0.2 : 0) - (about.has('other-date') ? 0.4 : 0) - 0.1 * reading.unknown;
};

export const priceScore: Score = ({ type, reading }) => {
  const about = reading.concepts;
  if (family(type) !== 'number' || any(about, 'total', 'id') || about.has('line')) return 0;
  const unitValue = about.has('value') && about.has('unit');
  if (!about.has('price') && !unitValue) return 0;
  const base = about.has('unit') || about.has('value') ? 1 : 0.85;
  return base - (about.has('not-charged') ? 0.5 : 0) - 0.1 * reading.unknown;
};

export const valueScore: Score = ({ type, reading }) => {
  const about = reading.concepts;
  if (family(type) !== 'number' || any(about, 'not-charged', 'id', 'quantity', 'unit')) return 0;
  if (about.has('price')) return any(about, 'total', 'line') ? 0.8 : 0;
  if (!any(about, 'value', 'total')) return 0;
  return 0.85 + (about.has('line') ? 0.1 : 0) - 0.1 * reading.unknown;
};

export const orderScore: Score = (column) => {
  const about = column.reading.concepts;
  if (!isKeyType(column) || !about.has('order')) return 0;
  if (any(about, ...NOT_A_KEY) || any(about, 'customer', 'item')) return 0;
  return (about.has('id') ? 1 : 0.6) - 0.1 * column.reading.unknown;
};

/** A name within the table of the thing named. */
export const nameScore: Score = ({ type, reading }) => {
  const about = reading.concepts;
  if (type !== 'STRING' || any(about, 'contact', 'place', 'id', 'type', 'supplier', 'superseded')) return 0;
  if (about.has('name')) return 1 - 0.15 * reading.unknown;
  if (about.has('person')) return 0.6;
  return about.has('description') ? 0.7 - 0.15 * reading.unknown : 0;
};

/** A name carried on another table: `customer_name` on the order. */
export const namedAs =
  (subject: 'customer' | 'item'): Score =>
  ({ type, reading }) => {
    const about = reading.concepts;
    if (type !== 'STRING' || !about.has(subject) || any(about, 'contact', 'place', 'category')) return 0;
    return about.has('name') ? 0.95 : about.has('description') ? 0.9 : 0;
  };

export const describes: Score = ({ type, reading }) => {
  const about = reading.concepts;
  if (type !== 'STRING' || any(about, 'customer', 'order', 'category', 'contact', 'place', 'supplier'))
    return 0;
  return any(about, 'description', 'name') ? 0.75 - 0.2 * reading.unknown : 0;
};

export const categoryScore: Score = ({ type, reading }) => {
  const about = reading.concepts;
  if (!about.has('category') || any(about, 'customer', 'price', 'order', 'not-charged')) return 0;
  // Of a product's group and its segment the group says more.
  const lessFor = about.has('segment') ? 0.2 : 0;
  return type === 'STRING' ? 0.85 - lessFor - 0.1 * reading.unknown : 0.5 - lessFor;
};

/** A category on the order lines: a bare "segment" there is the customer's. */
export const lineCategoryScore: Score = (column) => {
  const about = column.reading.concepts;
  return about.has('segment') && !about.has('item') ? 0 : categoryScore(column);
};

export const brandScore: Score = ({ type, reading }) => {
  const about = reading.concepts;
  if (!about.has('brand') || any(about, 'customer', 'price', 'order', 'date', 'place', 'not-charged'))
    return 0;
  const base = family(type) === 'text' ? 0.9 : family(type) === 'number' ? 0.5 : 0;
  return base === 0 ? 0 : base - (about.has('id') ? 0.2 : 0) - 0.1 * reading.unknown;
};

/** Words for a kind of customer that elsewhere are kinds of other things, or (Branche) sites. */
const KINDS = ['type', 'class', 'channel', 'branche'];

/** What kind of customer it is, within the customers' table. */
export const segmentScore: Score = ({ type, reading }) => {
  const about = reading.concepts;
  if (any(about, 'price', 'not-charged', 'contact', 'parent', 'item', 'order', 'other-date')) return 0;
  const base = about.has('segment')
    ? 0.95
    : about.has('category')
      ? 0.8
      : reading.words.some((word) => KINDS.includes(word))
        ? 0.6
        : 0;
  if (base === 0 || (family(type) !== 'text' && family(type) !== 'number')) return 0;
  return base - (type === 'STRING' ? 0 : 0.3) - (about.has('id') ? 0.1 : 0) - 0.1 * reading.unknown;
};

/** A kind of customer told beside the order: it says that it is the customer's, or is a bare "segment". */
export const segmentBesideScore: Score = (column) => {
  const about = column.reading.concepts;
  if (!about.has('customer') && !about.has('segment')) return 0;
  return segmentScore(column) - (about.has('customer') ? 0 : 0.2);
};
