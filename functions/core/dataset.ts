import { z } from 'zod';
import { type Difference, differences } from './differences.ts';
import { Id, Name } from './ids.ts';
import { deletable, editable } from './resource.ts';

const Alias = z.string().regex(/^[a-z][a-z0-9_]{0,29}$/, 'must be a short lower-case name such as "lines"');
const ColumnName = z.string().min(1).max(300);

/** A column of one of the data set's tables. */
export const ColumnRef = z.strictObject({ table: Alias, column: ColumnName });
export type ColumnRef = z.infer<typeof ColumnRef>;

/** Which columns mean what. `price` × quantity is the value where no `value` column exists. */
export const ColumnRoles = z.strictObject({
  customer: ColumnRef,
  item: ColumnRef,
  time: ColumnRef,
  quantity: ColumnRef.optional(),
  value: ColumnRef.optional(),
  price: ColumnRef.optional(),
  /** Lines of one order share it: the basket. */
  order: ColumnRef.optional(),
  customerName: ColumnRef.optional(),
  itemName: ColumnRef.optional(),
  itemCategory: ColumnRef.optional(),
  itemBrand: ColumnRef.optional(),
  /** What kind of customer it is: trade, size, price group. */
  customerSegment: ColumnRef.optional(),
  /** The product that replaces this one; purchases of the old count for the new. */
  supersededBy: ColumnRef.optional(),
});
export type ColumnRoles = z.infer<typeof ColumnRoles>;

const KeyText = z.string().min(1).max(200);

/** What is left out of the lines, and what is put right in them, each counted by its reason. The tables stay as they are. */
export const Cleaning = z.strictObject({
  /** Lines with quantity ≤ 0: returns and credit notes. */
  dropReturns: z.boolean().default(true),
  /** Lines with value or price ≤ 0: samples, corrections. */
  dropUnpriced: z.boolean().default(false),
  /** The same order, customer, item, time, quantity and value twice. */
  dropDuplicates: z.boolean().default(true),
  /** Item ids that are no products: freight, fees, vouchers. */
  excludeItems: z.array(z.string().max(200)).max(1000).default([]),
  /** Items whose id has no digit are dropped where at least nine in ten items have one (POST, FREIGHT, …). */
  dropServiceCodes: z.boolean().default(true),
  /** Lines whose quantity is above this many times the item's 99th percentile: one-off projects. 0: keep them. */
  outlierFactor: z.number().min(0).max(1000).default(0),
  /**
   * Returns (quantity below zero) are settled with the newest earlier line of the customer and item, within half a year, that
   * holds as many: that line keeps what was not sent back, or is left out; returns without such a line stay as they are.
   */
  netReturns: z.boolean().default(false),
  /** Items called freight, postage, deposit, surcharge, voucher …, in English, German or French. */
  dropServiceNames: z.boolean().default(false),
  /** Orders worth more than this many times the customer's usual one (the median of at least five): one-off projects. 0: keep them. */
  projectFactor: z.number().min(0).max(1000).default(0),
  /**
   * Where an item's price jumped once, to a sixth or less or to six times or more, and its quantities the other way, its unit
   * changed: quantities before are counted in the new one. Needs a value or price.
   */
  alignUnits: z.boolean().default(false),
  /** Customers that are others by now: purchases of `from` count for `to`. Chains are followed. */
  mergeCustomers: z
    .array(z.strictObject({ from: KeyText, to: KeyText }))
    .max(1000)
    .default([]),
});
export type Cleaning = z.infer<typeof Cleaning>;

/** Why a line was left out. */
export const DropReason = z.enum([
  'no-customer',
  'no-item',
  'no-time',
  /** There is a quantity, but it is no number. */
  'no-quantity',
  'after-as-of',
  'before-history',
  /** A return that is settled with an earlier line. */
  'return-settled',
  /** A line that was sent back as a whole. */
  'returned',
  'return',
  'unpriced',
  'excluded-item',
  'service-code',
  'service-name',
  'project',
  'outlier',
  'duplicate',
]);
export type DropReason = z.infer<typeof DropReason>;

/** What was put right in a line. */
export const ChangeReason = z.enum(['merged-customer', 'returned-part', 'other-unit']);
export type ChangeReason = z.infer<typeof ChangeReason>;

/** The changes that `cleaning` asks for. */
export function changesOf({ mergeCustomers, netReturns, alignUnits }: Cleaning): ChangeReason[] {
  const wanted = {
    'merged-customer': mergeCustomers.length > 0,
    'returned-part': netReturns,
    'other-unit': alignUnits,
  };
  return ChangeReason.options.filter((reason) => wanted[reason]);
}

/** What a person states about a data set; the pipeline's SQL is generated from this alone. */
export const DatasetDefinition = z.strictObject({
  name: Name,
  /** The first table holds the order lines; others join to it. `destination` names a table of the raw dataset. */
  tables: z
    .array(z.strictObject({ alias: Alias, destination: z.string().regex(/^[a-z_][a-z0-9_]{0,199}$/) }))
    .min(1)
    .max(10),
  /** LEFT JOINs, in order: `right` belongs to a table not yet joined. */
  joins: z.array(z.strictObject({ left: ColumnRef, right: ColumnRef })).max(9),
  roles: ColumnRoles,
  cleaning: Cleaning,
});
export type DatasetDefinition = z.infer<typeof DatasetDefinition>;

/** `…/models/{m}/datasets/{d}`. */
export const Dataset = DatasetDefinition.extend({ id: Id, ...editable, ...deletable });
export type Dataset = z.infer<typeof Dataset>;

/** What a data set reads of the raw tables in `destinations`: each column by the name it is given, with its role or `join`. */
export function columnsRead(
  { tables, joins, roles }: Pick<DatasetDefinition, 'tables' | 'joins' | 'roles'>,
  destinations: readonly string[],
): { readonly column: string; readonly use: string }[] {
  const aliases = tables.filter((one) => destinations.includes(one.destination)).map(({ alias }) => alias);
  const refs = [
    ...Object.entries(roles).map(([use, ref]) => ({ use, ref })),
    ...joins.flatMap(({ left, right }) => [left, right].map((ref) => ({ use: 'join', ref }))),
  ];
  return refs.flatMap(({ use, ref }) =>
    ref !== undefined && aliases.includes(ref.table) ? [{ column: ref.column, use }] : [],
  );
}

/**
 * In what two data sets differ: tables by alias, joins by their columns (in either direction), roles by what they mean,
 * cleaning by option. Names do not count.
 */
export function compareDatasets(left: DatasetDefinition, right: DatasetDefinition): Difference[] {
  return differences(comparable(left), comparable(right));
}

function comparable({ tables, joins, roles, cleaning }: DatasetDefinition) {
  const column = ({ table, column: name }: ColumnRef) => `${table}.${name}`;
  return {
    tables: Object.fromEntries(tables.map(({ alias, destination }) => [alias, destination])),
    joins: Object.fromEntries(
      joins.map((join) => [[column(join.left), column(join.right)].sort().join(' = '), true]),
    ),
    roles: Object.fromEntries(
      Object.entries(roles).flatMap(([role, ref]) => (ref === undefined ? [] : [[role, column(ref)]])),
    ),
    cleaning: {
      ...cleaning,
      excludeItems: [...cleaning.excludeItems].sort(),
      mergeCustomers: Object.fromEntries(cleaning.mergeCustomers.map(({ from, to }) => [from, to])),
    },
  };
}
