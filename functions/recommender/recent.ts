import type { Profile } from './data.ts';

/** An order that no training has seen. */
export interface FreshOrder {
  readonly item: number;
  readonly quantity: number;
  /** Days since 1970, fractions kept. */
  readonly day: number;
}

/** `profile` as it would be had these orders been known: each counts as a purchase of its item. */
export function withOrders(profile: Profile, orders: readonly FreshOrder[]): Profile {
  if (orders.length === 0) return profile;
  interface Entry {
    count: number;
    first: number;
    last: number;
    quantity: number;
  }
  const entries = new Map<number, Entry>();
  profile.items.forEach((item, n) =>
    entries.set(item, {
      count: profile.count[n]!,
      first: profile.first[n]!,
      last: profile.last[n]!,
      quantity: profile.quantity[n]!,
    }),
  );
  for (const { item, quantity, day } of orders) {
    const entry = entries.get(item) ?? { count: 0, first: day, last: day, quantity: 0 };
    entry.count++;
    entry.first = Math.min(entry.first, day);
    entry.last = Math.max(entry.last, day);
    entry.quantity += quantity;
    entries.set(item, entry);
  }
  const items = Int32Array.from(entries.keys()).sort();
  const of = (name: keyof Entry) => Array.from(items, (item) => entries.get(item)?.[name] ?? 0);
  return {
    items,
    count: Float32Array.from(of('count')),
    first: Float64Array.from(of('first')),
    last: Float64Array.from(of('last')),
    quantity: Float32Array.from(of('quantity')),
    ...(profile.segment === undefined ? {} : { segment: profile.segment }),
  };
}
