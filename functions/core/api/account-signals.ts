import { z } from 'zod';
import { Moment } from '../ids.ts';
import { contract, pageOf } from './contract.ts';

/*
 * What the recommender service says of accounts themselves: whom to call, and about what. Answers stand on the orders up
 * to `asOf`, the newest that the version was trained on; lateness is counted until then. All lists may be asked for the
 * customers of one sales representative at once.
 */

/** A customer's or item's own key, as the company's database has it. */
const Key = z.string().min(1).max(300);
const Named = z.object({ id: Key, name: z.string().nullable() });
/** A day, `2026-06-30`. */
const Day = z.iso.date();
const Share = z.number().min(0).max(1);

/** Rows are counted from the first: a version never changes, so a page is always the same. */
const paging = {
  limit: z.int().min(1).max(1000).default(50),
  /** The `next` of the page before. */
  after: z
    .string()
    .regex(/^[0-9]{1,9}$/, 'must be the `next` of the page before')
    .optional(),
};
/** A page of what is known at `asOf`; `unknown` are the customers asked for that the version does not know. */
const signalsOf = <T extends z.ZodType>(item: T) =>
  pageOf(item).extend({ version: z.string(), asOf: Moment, unknown: z.array(Key) });

export const DueItem = z.object({
  customer: Named,
  item: Named,
  /** Days between two purchases, usual at this time of the year. */
  interval: z.number(),
  /** Whose interval it is: the customer's own, or other customers' where it bought on one day only. */
  intervalFrom: z.enum(['own', 'others']),
  times: z.int(),
  lastBought: Day,
  expected: Day,
  /** Days past the usual interval at `asOf`; negative where it is not over yet. */
  late: z.int(),
  /** The chance that it is ordered within the days asked for. */
  confidence: Share,
  /** Units usually bought at once. */
  quantity: z.number(),
  reason: z.string(),
});

export const listDue = contract({
  method: 'POST',
  path: '/v1/due',
  access: 'recommend',
  summary: 'What customers are due to order again, surest first.',
  body: z.strictObject({
    customers: z.array(Key).min(1).max(500),
    withinDays: z.int().min(0).max(90).default(7),
    leastConfidence: Share.default(0.3),
    ...paging,
  }),
  answer: signalsOf(DueItem),
});

export const listForgotten = contract({
  method: 'POST',
  path: '/v1/forgotten',
  access: 'recommend',
  summary:
    'What a basket probably lacks: what the customer is due to buy, and what comes in the same orders.',
  body: z.strictObject({
    customer: Key.nullable().default(null),
    basket: z.array(Key).min(1).max(500),
    limit: z.int().min(1).max(50).default(5),
  }),
  answer: z.object({
    version: z.string(),
    asOf: Moment,
    /** Whether the customer is known; a basket without one is answered by what goes together. */
    known: z.boolean(),
    items: z.array(
      z.object({
        item: Named,
        because: z.enum(['due', 'together']),
        confidence: Share,
        /** Units usually bought at once; null where the customer never bought it. */
        quantity: z.number().nullable(),
        reason: z.string(),
      }),
    ),
  }),
});

export const listWhiteSpace = contract({
  method: 'POST',
  path: '/v1/white-space',
  access: 'recommend',
  summary: 'Categories that customers like these buy and they do not, with the evidence.',
  body: z.strictObject({
    customers: z.array(Key).min(1).max(200),
    perCustomer: z.int().min(1).max(20).default(3),
    ...paging,
  }),
  answer: signalsOf(
    z.object({
      customer: Named,
      category: z.string(),
      /** Of the `of` most similar customers, `similar` buy in the category. */
      similar: z.int(),
      of: z.int(),
      /** The share of all customers that do. */
      everybody: Share,
      /** Money in a year at those similar customers, the median; null where orders have no value. */
      yearlyValue: z.number().nullable(),
      /** What most of them buy of it. */
      items: z.array(Named.extend({ buyers: z.int() })),
      reason: z.string(),
    }),
  ),
});

export const ACCOUNT_TROUBLES = ['late', 'lapsed', 'shrinking'] as const;

export const listAccountsAtRisk = contract({
  method: 'POST',
  path: '/v1/accounts-at-risk',
  access: 'recommend',
  summary:
    'Customers that fell silent or buy less, against their own rhythm and volume; most at stake first.',
  body: z.strictObject({
    /** Left out: all. */
    customers: z.array(Key).min(1).max(5000).optional(),
    /** `late`: silent for longer than nine in ten of its pauses; `lapsed`: for longer than its pauses explain. */
    kinds: z.array(z.enum(ACCOUNT_TROUBLES)).min(1).max(3).default(['lapsed', 'shrinking']),
    ...paging,
  }),
  answer: signalsOf(
    z.object({
      customer: Named,
      kind: z.enum(ACCOUNT_TROUBLES),
      orders: z.int(),
      lastOrdered: Day,
      silentDays: z.int(),
      /** Usual days between two orders; null where too few are known. */
      interval: z.number().nullable(),
      /** The newest 12 weeks, and what was to be expected of them: money, or lines where orders have no value. */
      volume: z.number().nullable(),
      expected: z.number().nullable(),
      /** What it would bring in a year at its former rate. */
      yearlyVolume: z.number().nullable(),
      volumeIs: z.enum(['money', 'lines']),
      reason: z.string(),
    }),
  ),
});

export const listSupersessions = contract({
  method: 'POST',
  path: '/v1/supersessions',
  access: 'recommend',
  summary: 'Items that ended, and those that their customers came to buy instead; surest first.',
  body: z.strictObject(paging),
  answer: signalsOf(
    z.object({
      ended: Named,
      successor: Named,
      lastSold: Day,
      firstSold: Day,
      /** Of the `of` customers of the ended item, `moved` came to buy the successor. */
      moved: z.int(),
      of: z.int(),
      confidence: Share,
      reason: z.string(),
    }),
  ),
});
