import { z } from 'zod';
import { Moment } from '../ids.ts';
import { SlotName } from '../slot.ts';
import { contract } from './contract.ts';

/*
 * The recommender service's own API. It answers at the deployment's `url` (not under /api), for one model; the caller's
 * Firebase ID token is verified and its membership of the tenant read at each request (cached for at most 60 s).
 */

/** A customer's or item's own key, as the company's database has it. */
const Key = z.string().min(1).max(300);

export const RecommendedItem = z.object({
  id: Key,
  name: z.string().nullable(),
  score: z.number(),
  slot: SlotName,
  /** A sentence naming the evidence, e.g. "Because you bought Hex bolt M8 (12 times)". */
  reason: z.string(),
});

const Recommendation = z.object({
  /** Names this answer in the prediction log. */
  recommendationId: z.string(),
  version: z.string(),
  /** Whether the customer or basket was known; popular items answer for strangers. */
  known: z.boolean(),
  items: z.array(RecommendedItem),
});
export type Recommendation = z.infer<typeof Recommendation>;

const Filters = {
  slot: SlotName.default('discover'),
  limit: z.int().min(1).max(200).default(10),
  /** Leave out what the customer has bought. Has no meaning in the re-order slot. */
  excludeBought: z.boolean().default(true),
  excludeItems: z.array(Key).max(1000).default([]),
  /** Name the evidence of each item; costs a little time. */
  explain: z.boolean().default(true),
};

export const recommend = contract({
  method: 'POST',
  path: '/v1/recommend',
  access: 'recommend',
  summary: 'What should this customer, or the holder of this basket, be offered?',
  body: z.union([
    z.strictObject({ customer: Key, ...Filters }),
    z.strictObject({ basket: z.array(Key).min(1).max(500), ...Filters }),
  ]),
  answer: Recommendation,
});

export const similar = contract({
  method: 'POST',
  path: '/v1/similar',
  access: 'recommend',
  summary: 'Items bought by the same customers as this one.',
  body: z.strictObject({ item: Key, limit: z.int().min(1).max(200).default(10) }),
  answer: Recommendation,
});

/** What a customer has bought, most bought first. */
export const getHistory = contract({
  method: 'POST',
  path: '/v1/history',
  access: 'recommend',
  summary: 'What this customer has bought, most often first.',
  body: z.strictObject({ customer: Key, limit: z.int().min(1).max(200).default(10) }),
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
    limit: z.int().min(1).max(200).default(20),
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
