import type { z } from 'zod';
import type { nextOrder, recommend, rerank, similar } from '#core/api/recommend';
import { type Choice, MOST_BOOST, type RecentOrder } from '#core/api/selection';
import { itemsPassing } from '#recommender/attributes';
import { addBit, makeBits } from '#recommender/bits';
import { DAY_MS, type Profile } from '#recommender/data';
import { type FreshOrder, withOrders } from '#recommender/recent';
import type { Recommender } from '#recommender/recommend';
import type { Selection } from '#recommender/select';
import { InputError } from '#runtime/problem';

/** A question's keys as the version's dense ids, and the keys that it does not know. */
export interface Translated {
  readonly unknown: ReadonlySet<string>;
  /** The id of an item's key; null, and the key is noted, where the version does not know it. */
  item(key: string): number | null;
  items(keys: readonly string[]): number[];
}

export function translate(recommender: Pick<Recommender, 'itemId'>): Translated {
  const unknown = new Set<string>();
  const item = (key: string) => {
    const id = recommender.itemId(key);
    if (id === null) unknown.add(key);
    return id;
  };
  return {
    unknown,
    item,
    items: (keys) => keys.map(item).filter((id) => id !== null),
  };
}

type Listed =
  z.output<typeof recommend.body> | z.output<typeof similar.body> | z.output<typeof nextOrder.body>;

/** A list's options in the recommender's terms. */
export function selectionOf(
  recommender: Recommender,
  question: Listed,
  keys: Translated,
): Omit<Selection, 'slot'> {
  const size = recommender.items.keys.length;
  const within = itemsPassing(recommender.attributes, question.filter, size);
  const weights = question.boost.length > 0 ? boostedBy(recommender, question.boost, keys) : undefined;
  return {
    k: question.limit,
    exclude: new Set(keys.items(question.excludeItems)),
    ...(question.onlyItems === null ? {} : { only: new Set(keys.items(question.onlyItems)) }),
    ...(within === null ? {} : { within }),
    ...(weights === undefined ? {} : { weights }),
    ...(question.bury.length === 0 ? {} : { bury: buriedBy(recommender, question.bury, keys) }),
    pin: pinsOf(question.pin, keys),
    caps: question.caps.map(({ attribute, atMost }) => ({
      group: recommender.attributes[attribute].group,
      atMost,
    })),
    diversity: question.diversity,
  };
}

/** The items of a choice, each once. Of an attribute an item has one value, so that only values may come twice. */
function* chosenBy(recommender: Recommender, choice: Choice, keys: Translated): Generator<number> {
  if ('items' in choice) yield* new Set(keys.items(choice.items));
  else
    for (const value of new Set(choice.in)) yield* recommender.attributes[choice.attribute].itemsWith(value);
}

/** The product of the factors of each item's rules, within MOST_BOOST either way. */
function boostedBy(recommender: Recommender, rules: Listed['boost'], keys: Translated): Float32Array {
  const products = new Float64Array(recommender.items.keys.length).fill(1);
  for (const rule of rules)
    for (const item of chosenBy(recommender, rule, keys)) products[item]! *= rule.factor;
  return Float32Array.from(products, (product) => Math.min(MOST_BOOST, Math.max(1 / MOST_BOOST, product)));
}

function buriedBy(recommender: Recommender, choices: readonly Choice[], keys: Translated) {
  const bits = makeBits(recommender.items.keys.length);
  for (const choice of choices) for (const item of chosenBy(recommender, choice, keys)) addBit(bits, item);
  return bits;
}

/** @throws InputError where two items want one place, or one item two. */
function pinsOf(pins: Listed['pin'], keys: Translated): Map<number, number> {
  const placed = new Map<number, number>();
  pins.forEach(({ item: key, position }, n) => {
    const wrong = (message: string) => new InputError('body', [{ path: `pin.${n}`, message }]);
    const item = keys.item(key);
    if (item === null) return;
    if (placed.has(position - 1)) throw wrong(`place ${position} is taken by another pin`);
    if ([...placed.values()].includes(item)) throw wrong(`"${key}" is pinned twice`);
    placed.set(position - 1, item);
  });
  return placed;
}

/** What is asked about: a profile, whether anything is known of it, and whether it is a basket. */
export interface Asked {
  readonly profile: Profile;
  readonly known: boolean;
  readonly basket: boolean;
}

/**
 * The profile asked about, with the orders placed since the training; an unknown customer or a basket of unknown items has
 * only those.
 */
export function profileFor(
  recommender: Recommender,
  question: (
    | Pick<Extract<z.output<typeof rerank.body>, { customer: string }>, 'customer'>
    | Pick<Extract<z.output<typeof rerank.body>, { basket: string[] }>, 'basket'>
  ) & { readonly recent?: readonly RecentOrder[] },
  keys: Translated,
  now: number,
): Asked {
  const basket = 'basket' in question;
  const customer = 'customer' in question ? recommender.customerId(question.customer) : null;
  const before =
    customer === null
      ? recommender.basket('basket' in question ? keys.items(question.basket) : [])
      : recommender.profile(customer);
  const orders = (question.recent ?? []).flatMap(({ item: key, quantity, at }): FreshOrder[] => {
    const item = keys.item(key);
    return item === null ? [] : [{ item, quantity, day: (at === undefined ? now : Date.parse(at)) / DAY_MS }];
  });
  const profile = withOrders(before, orders);
  return { profile, known: customer !== null || profile.items.length > 0, basket };
}
