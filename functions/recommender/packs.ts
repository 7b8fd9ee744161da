import type { SectionReader, SectionWriter } from './artifact.ts';
import type { Interactions, Profile } from './data.ts';
import { requireLength } from './shape.ts';

/** How items are ordered: in which lots, and how many at a time. All per item. */
export interface Packs {
  /** The lot in whose multiples an item is ordered; 1: in whole numbers, no lot; 0: also in fractions, or unknown. */
  readonly lot: Int32Array;
  /** Share of the order lines looked at that are multiples of the lot. */
  readonly share: Float32Array;
  /** The order lines looked at. */
  readonly lines: Int32Array;
  /** Their median quantity; 0 where there are none. */
  readonly median: Float32Array;
}

/** Lines looked at per item: the first ones given. Lots show in far fewer, and memory stays bounded. */
const MOST_LINES = 1000;
/** Evidence of a lot: so many lines, of which this share are multiples of it. */
const ENOUGH = { lines: 8, share: 0.95 };

/** How the items of these order lines are ordered. O(lines), and memory for MOST_LINES of each item. */
export function fitPacks(lines: Pick<Interactions, 'item' | 'quantity'>, items: number): Packs {
  const packs: Packs = {
    lot: new Int32Array(items),
    share: new Float32Array(items),
    lines: new Int32Array(items),
    median: new Float32Array(items),
  };
  const usable = (n: number) => {
    const item = lines.item[n]!;
    return item >= 0 && item < items && lines.quantity[n]! > 0 && packs.lines[item]! < MOST_LINES;
  };
  for (let n = 0; n < lines.item.length; n++) if (usable(n)) packs.lines[lines.item[n]!]!++;
  const start = new Float64Array(items + 1);
  for (let item = 0; item < items; item++) start[item + 1] = start[item]! + packs.lines[item]!;
  const quantities = new Float32Array(start[items]!);
  packs.lines.fill(0);
  for (let n = 0; n < lines.item.length; n++)
    if (usable(n)) {
      const item = lines.item[n]!;
      quantities[start[item]! + packs.lines[item]!++] = lines.quantity[n]!;
    }
  for (let item = 0; item < items; item++) {
    const own = quantities.subarray(start[item], start[item + 1]).sort();
    if (own.length === 0) continue;
    packs.median[item] = own[own.length >> 1]!;
    const { lot, share } = lotOf(own);
    packs.lot[item] = lot;
    packs.share[item] = share;
  }
  return packs;
}

/** The largest number of which nearly all quantities are multiples; they ascend. */
function lotOf(quantities: Float32Array): { lot: number; share: number } {
  const whole = quantities.every((quantity) => Number.isInteger(quantity) && quantity < 1e6);
  if (!whole) return { lot: 0, share: 0 };
  if (quantities.length < ENOUGH.lines) return { lot: 1, share: 1 };
  for (const lot of divisorsOf(mostFrequent(quantities))) {
    let fitting = 0;
    for (const quantity of quantities) if (quantity % lot === 0) fitting++;
    const share = fitting / quantities.length;
    if (share >= ENOUGH.share) return { lot, share };
  }
  return { lot: 1, share: 1 };
}

function mostFrequent(ascending: Float32Array): number {
  let best = ascending[0]!;
  let most = 0;
  for (let from = 0, to = 0; from < ascending.length; from = to) {
    while (to < ascending.length && ascending[to] === ascending[from]) to++;
    if (to - from > most) [best, most] = [ascending[from]!, to - from];
  }
  return best;
}

/** The divisors of `n`, largest first. */
function divisorsOf(n: number): number[] {
  const low: number[] = [];
  const high: number[] = [];
  for (let d = 1; d * d <= n; d++)
    if (n % d === 0) {
      low.unshift(d);
      if (d * d !== n) high.push(n / d);
    }
  return [...high, ...low];
}

/** A quantity to suggest, and what speaks for it. */
export interface Suggestion {
  readonly quantity: number;
  /** More than 1; null where orders show none. */
  readonly lot: number | null;
  /** Share of all order lines that are multiples of the lot. */
  readonly share: number;
  readonly lines: number;
  /** Whose usual quantity it is: the customer's mean per order, or the median of everybody's order lines. */
  readonly from: 'own' | 'everybody';
  readonly usual: number;
  /** Orders of the customer that held the item. */
  readonly orders: number;
}

/** What the holder of `profile` may order of `item` at a time, in multiples of its lot; null where nobody ever did. */
export function suggestQuantity(packs: Packs, profile: Profile, item: number): Suggestion | null {
  const at = profile.items.indexOf(item);
  const orders = at < 0 ? 0 : profile.count[at]!;
  const usual = orders > 0 ? profile.quantity[at]! / orders : packs.median[item]!;
  if (!(usual > 0)) return null;
  const lot = packs.lot[item]!;
  return {
    quantity: lot === 0 ? Number(usual.toPrecision(3)) : lot * Math.max(1, Math.round(usual / lot)),
    lot: lot > 1 ? lot : null,
    share: packs.share[item]!,
    lines: packs.lines[item]!,
    from: orders > 0 ? 'own' : 'everybody',
    usual,
    orders,
  };
}

/** The suggestion's facts as a sentence. */
export function describeSuggestion({ lot, share, lines, from, usual, orders }: Suggestion): string {
  const amount = Number.isInteger(usual) ? String(usual) : usual.toPrecision(3).replace(/\.?0+$/, '');
  const usually =
    from === 'own'
      ? `${amount} a time in ${orders === 1 ? 'one order' : `${Math.round(orders)} orders`}`
      : `Half of ${lines} order lines are for ${amount} or more`;
  if (lot === null) return `${usually}.`;
  return `${usually}; ordered in lots of ${lot} (${Math.floor(share * 100)} % of ${lines} order lines).`;
}

const NAMES = ['lot', 'share', 'lines', 'median'] as const;

export function savePacks(packs: Packs, writer: SectionWriter): void {
  for (const name of NAMES) writer.array(name, packs[name]);
}

/** What `savePacks` wrote, for `items` items; TerminalErrors as of `SectionReader`. */
export function loadPacks(reader: SectionReader, items: number): Packs {
  const packs = {
    lot: reader.i32('lot'),
    share: reader.f32('share'),
    lines: reader.i32('lines'),
    median: reader.f32('median'),
  };
  for (const name of NAMES) requireLength(`packs/${name}`, packs[name], items);
  return packs;
}
