import { z } from 'zod';
import { Moment } from '../ids.ts';

/*
 * What a caller may say about the items of a list, the same in every question: which may be on it, which come first or last,
 * how alike they may be. All filters apply before anything is ranked, so the list is filled all the same.
 */

/** A customer's or item's own key, as the company's database has it. */
export const Key = z.string().min(1).max(300);

/** What is known of items beside their key and name. */
export const ATTRIBUTES = ['category', 'brand'] as const;
const Attribute = z.enum(ATTRIBUTES);
export type Attribute = z.infer<typeof Attribute>;

const Values = z.array(z.string().min(1).max(300)).min(1).max(500);

/** An item must pass every condition. One without the attribute passes `notIn` and no `in`. */
const Condition = z.union([
  z.strictObject({ attribute: Attribute, in: Values }),
  z.strictObject({ attribute: Attribute, notIn: Values }),
]);
export type Condition = z.infer<typeof Condition>;

const byItems = { items: z.array(Key).min(1).max(5000) };
const byAttribute = { attribute: Attribute, in: Values };
/** Items by their keys, or all that have one of an attribute's values. */
const Choice = z.union([z.strictObject(byItems), z.strictObject(byAttribute)]);
export type Choice = z.infer<typeof Choice>;

const factor = z.number().min(0.01).max(100);

/** Several rules together make an item at most so many times louder, or quieter: more would be no number any more. */
export const MOST_BOOST = 1e6;

/** The longest list. */
export const MOST_ITEMS = 200;

/** An order that the version was not trained on. */
const RecentOrder = z.strictObject({
  item: Key,
  quantity: z.number().positive().max(1e9).default(1),
  /** When it was placed; now, where it is left out. */
  at: Moment.optional(),
});
export type RecentOrder = z.infer<typeof RecentOrder>;

/** The options of every list. */
export const selection = {
  limit: z.int().min(1).max(MOST_ITEMS).default(10),
  excludeItems: z.array(Key).max(1000).default([]).describe('Never listed.'),
  onlyItems: z
    .array(Key)
    .max(20_000)
    .nullable()
    .default(null)
    .describe('Nothing else is listed: the customer’s assortment, or what is in stock.'),
  filter: z
    .array(Condition)
    .max(20)
    .default([])
    .describe('Conditions on attributes, all of which must hold.'),
  boost: z
    .array(z.union([z.strictObject({ ...byItems, factor }), z.strictObject({ ...byAttribute, factor })]))
    .max(50)
    .default([])
    .describe(
      'Multiplies scores before they are compared; factors of several rules multiply, to a million or a millionth at most.',
    ),
  bury: z.array(Choice).max(50).default([]).describe('Listed only after everything else.'),
  pin: z
    .array(z.strictObject({ item: Key, position: z.int().min(1).max(MOST_ITEMS) }))
    .max(MOST_ITEMS)
    .default([])
    .describe('Exact places from 1, whatever the filters say. A place beyond the list is left out.'),
  caps: z
    .array(z.strictObject({ attribute: Attribute, atMost: z.int().min(1).max(MOST_ITEMS) }))
    .max(ATTRIBUTES.length)
    .default([])
    .describe('At most so many items of one value; those without a value count for none.'),
  diversity: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe('0: the best items; towards 1: items that are less like those before them.'),
  explain: z.boolean().default(true).describe('Name the evidence of each item; costs a little time.'),
  quantities: z
    .boolean()
    .default(false)
    .describe('Suggest a quantity for each item, in multiples of its pack where there is evidence of one.'),
};

/** What a question about a holder of purchases adds. */
export const purchases = {
  excludeBought: z
    .boolean()
    .default(true)
    .describe('Leave out what the customer has bought. Has no meaning in the re-order slot.'),
  recent: z
    .array(RecentOrder)
    .max(500)
    .default([])
    .describe('Orders since the version was trained: they count as if it had been trained on them.'),
};

/** How a quantity was found: the facts behind it in words. */
export const SuggestedQuantity = z.object({
  quantity: z.number().positive(),
  /** The smallest lot that orders show; null where they show none. */
  pack: z.number().positive().nullable(),
  reason: z.string(),
});
export type SuggestedQuantity = z.infer<typeof SuggestedQuantity>;
