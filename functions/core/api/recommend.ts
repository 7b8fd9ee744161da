import { z } from 'zod';
import { Moment } from '../ids.ts';
import { SlotName } from '../slot.ts';
import { contract } from './contract.ts';
import { Key, MOST_ITEMS, purchases, selection, SuggestedQuantity } from './selection.ts';

/*
 * The recommender service's own API. It answers at the deployment's `url` (not under /api), for one model; the caller's
 * Firebase ID token is verified and its membership of the tenant read at each request (cached for at most 60 s).
 */

export const RecommendedItem = z.object({
  id: Key,
  name: z.string().nullable(),
  score: z.number(),
  slot: SlotName,
  /** A sentence naming the evidence, e.g. "Because you bought Hex bolt M8 (12 times)". */
  reason: z.string(),
  /** Where `quantities` was asked for and there is evidence. */
  quantity: SuggestedQuantity.nullable().default(null),
});

const Recommendation = z.object({
  /** Names this answer in the prediction log. */
  recommendationId: z.string(),
  version: z.string(),
  /** Whether the customer or basket was known; popular items answer for strangers. */
  known: z.boolean(),
  items: z.array(RecommendedItem),
  /** Keys of the question that the version does not know; they had no effect. */
  unknownItems: z.array(Key).default([]),
});
export type Recommendation = z.infer<typeof Recommendation>;

/** Whose purchases are asked about. */
const Customer = { customer: Key };
const Basket = { basket: z.array(Key).min(1).max(500) };

const list = { slot: SlotName.default('discover'), ...selection, ...purchases };

export const recommend = contract({
  method: 'POST',
  path: '/v1/recommend',
  access: 'recommend',
  summary: 'What should this customer, or the holder of this basket, be offered?',
  body: z.union([z.strictObject({ ...Customer, ...list }), z.strictObject({ ...Basket, ...list })]),
  answer: Recommendation,
});

const { excludeBought: _, ...recentOnly } = purchases;

export const nextOrder = contract({
  method: 'POST',
  path: '/v1/next-order',
  access: 'recommend',
  summary:
    'What may be in this customer’s next order: what is to be ordered again, and new items among them.',
  body: z.strictObject({
    ...Customer,
    ...selection,
    ...recentOnly,
    discoverShare: z
      .number()
      .min(0)
      .max(1)
      .nullable()
      .default(null)
      .describe(
        'The share of places for items the customer never bought, spread evenly over the list; null: as training has learned it.',
      ),
  }),
  answer: Recommendation,
});

export const rerank = contract({
  method: 'POST',
  path: '/v1/rerank',
  access: 'recommend',
  summary: 'The items given, in the order in which they suit this customer or basket.',
  body: z.union([
    z.strictObject({ ...Customer, items: z.array(Key).min(1).max(1000), recent: purchases.recent }),
    z.strictObject({ ...Basket, items: z.array(Key).min(1).max(1000) }),
  ]),
  answer: Recommendation,
});

export const similar = contract({
  method: 'POST',
  path: '/v1/similar',
  access: 'recommend',
  summary: 'Items to offer in place of this one, or beside it.',
  body: z.strictObject({
    item: Key,
    kind: z
      .enum(['similar', 'goes-with'])
      .default('goes-with')
      .describe('`similar`: what the model holds alike; `goes-with`: what the same customers buy.'),
    ...selection,
  }),
  answer: Recommendation,
});

export const likelyBuyers = contract({
  method: 'POST',
  path: '/v1/buyers',
  access: 'recommend',
  summary: 'Customers that are likely to buy this item.',
  body: z.strictObject({
    item: Key,
    limit: z.int().min(1).max(MOST_ITEMS).default(20),
    excludeBuyers: z.boolean().default(true).describe('Leave out who has bought it.'),
    onlyCustomers: z
      .array(Key)
      .max(20_000)
      .nullable()
      .default(null)
      .describe('Nobody else is listed: the customers of a sales representative.'),
  }),
  answer: z.object({
    recommendationId: z.string(),
    version: z.string(),
    items: z.array(z.object({ id: Key, name: z.string().nullable(), score: z.number(), reason: z.string() })),
    unknownCustomers: z.array(Key),
  }),
});

/** What became of a recommendation. */
const Outcome = z.strictObject({
  outcome: z.enum(['shown', 'clicked', 'ordered', 'dismissed']),
  /** The item it is about; null: the whole list. */
  item: Key.nullable().default(null),
  quantity: z.number().positive().max(1e9).nullable().default(null),
  /** When it happened, within the last year; now, where it is left out. */
  at: Moment.optional(),
});

export const giveFeedback = contract({
  method: 'POST',
  path: '/v1/feedback',
  access: 'recommend',
  summary:
    'Says what became of a recommendation; kept beside the log of predictions, the same outcome under the same id.',
  body: z.strictObject({
    recommendationId: z.string().regex(/^r[a-z0-9]{10,40}$/, 'must be a recommendationId of an answer'),
    outcomes: z.array(Outcome).min(1).max(500),
  }),
  answer: z.object({ accepted: z.int() }),
});

/** What a customer has bought, most bought first. */
export const getHistory = contract({
  method: 'POST',
  path: '/v1/history',
  access: 'recommend',
  summary: 'What this customer has bought, most often first.',
  body: z.strictObject({ customer: Key, limit: z.int().min(1).max(MOST_ITEMS).default(10) }),
  answer: z.object({
    customer: z.object({ id: Key, name: z.string().nullable() }),
    items: z.array(
      z.object({
        id: Key,
        name: z.string().nullable(),
        orders: z.int(),
        quantity: z.number(),
        lastBought: Moment,
      }),
    ),
  }),
});

/** Customers to try: the first by key, or those whose key or name contains `search`. */
export const listCustomers = contract({
  method: 'POST',
  path: '/v1/customers',
  access: 'recommend',
  summary: 'Customers the version knows.',
  body: z.strictObject({
    search: z.string().max(100).default(''),
    limit: z.int().min(1).max(MOST_ITEMS).default(20),
  }),
  answer: z.object({ items: z.array(z.object({ id: Key, name: z.string().nullable(), items: z.int() })) }),
});

export const health = contract({
  method: 'GET',
  path: '/v1/health',
  access: 'signed-in',
  summary: 'Ready once the artifact is loaded; says which version answers. Needs no sign-in.',
  answer: z.object({ status: z.literal('ok'), version: z.string(), customers: z.int(), items: z.int() }),
});
