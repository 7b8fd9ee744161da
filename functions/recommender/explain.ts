import type { SlotName } from '#core/slot';
import { DAY_MS, recencyWeight, type Catalogue, type History, type Profile } from './data.ts';
import type { ItemItemModel } from './item-item.ts';
import type { Ranked } from './rank.ts';

/** What speaks for an offer: facts, no words. Days are days since 1970. */
export type Evidence =
  | {
      readonly kind: 'bought-together';
      /** The item of the profile that speaks loudest, and its share of all such voices, 0 … 1. */
      readonly item: number;
      readonly times: number;
      readonly last: number;
      readonly share: number;
    }
  | {
      readonly kind: 'bought-before';
      readonly times: number;
      readonly last: number;
      /** Mean days between purchases; null after one. */
      readonly everyDays: number | null;
    }
  | { readonly kind: 'popular'; readonly buyers: number; readonly customers: number };

/**
 * The evidence for one offer. Discovery is explained by the item-item terms whatever model ranked it: they are what a
 * person can check. Where no bought item is a neighbour, popularity is all there is.
 */
export function explainOffer(
  offer: Ranked,
  slot: SlotName,
  profile: Profile,
  from: { neighbours: ItemItemModel; history: History },
): Evidence {
  const { history, neighbours } = from;
  const popular: Evidence = {
    kind: 'popular',
    buyers: history.buyers[offer.item] ?? 0,
    customers: history.customers,
  };
  if (slot === 'reorder') {
    const at = profile.items.indexOf(offer.item);
    return at < 0 ? popular : boughtBefore(profile, at);
  }
  if (offer.from === 'popularity') return popular;
  return boughtTogether(offer.item, profile, neighbours, history.asOf) ?? popular;
}

function boughtBefore(profile: Profile, at: number): Evidence {
  const times = profile.count[at] ?? 1;
  const last = profile.last[at] ?? 0;
  const span = last - (profile.first[at] ?? last);
  return { kind: 'bought-before', times, last, everyDays: times > 1 && span > 0 ? span / (times - 1) : null };
}

/** Half-life in days with which older purchases speak more quietly; only for choosing which one to name. */
const VOICE_HALF_LIFE = 365;

function boughtTogether(
  item: number,
  profile: Profile,
  { matrix }: ItemItemModel,
  asOf: number,
): Evidence | null {
  let total = 0;
  let loudest = -1;
  let loudness = 0;
  for (let n = 0; n < profile.items.length; n++) {
    const weight = entry(matrix, profile.items[n]!, item);
    const voice = weight * recencyWeight(asOf - profile.last[n]!, VOICE_HALF_LIFE);
    total += voice;
    if (voice > loudness) {
      loudness = voice;
      loudest = n;
    }
  }
  if (loudest < 0) return null;
  return {
    kind: 'bought-together',
    item: profile.items[loudest]!,
    times: profile.count[loudest]!,
    last: profile.last[loudest]!,
    share: loudness / total,
  };
}

/** One entry of a sparse matrix by binary search; 0 where it has none. */
function entry(matrix: ItemItemModel['matrix'], row: number, column: number): number {
  let low = matrix.indptr[row]!;
  let high = matrix.indptr[row + 1]! - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const found = matrix.index[middle]!;
    if (found === column) return matrix.weight[middle]!;
    if (found < column) low = middle + 1;
    else high = middle - 1;
  }
  return 0;
}

/** The evidence as a sentence. `now` in milliseconds; a basket's items were not bought, so they are named without a date. */
export function describeEvidence(
  evidence: Evidence,
  items: Catalogue,
  options: { now: number; basket: boolean },
): string {
  const name = (item: number) => items.names[item] ?? items.keys[item] ?? '';
  switch (evidence.kind) {
    case 'bought-together':
      return options.basket
        ? `Often bought by those who buy ${name(evidence.item)}, which is in the basket.`
        : `Because you bought ${name(evidence.item)} (${times(evidence.times)}, last on ${date(evidence.last)}).`;
    case 'bought-before': {
      if (options.basket) return 'It is in the basket.';
      const rhythm = evidence.everyDays === null ? '' : `, about every ${days(evidence.everyDays)}`;
      return `Bought ${times(evidence.times)}${rhythm}, last ${ago(options.now / DAY_MS - evidence.last)}.`;
    }
    default:
      return `Popular: ${evidence.buyers} of ${evidence.customers} customers bought it.`;
  }
}

const times = (n: number) => (n === 1 ? 'once' : n === 2 ? 'twice' : `${Math.round(n)} times`);
const date = (day: number) => new Date(day * DAY_MS).toISOString().slice(0, 10);
const days = (n: number) => (Math.round(n) <= 1 ? 'day' : `${Math.round(n)} days`);
const ago = (n: number) =>
  Math.floor(n) <= 0 ? 'today' : Math.floor(n) === 1 ? 'yesterday' : `${Math.floor(n)} days ago`;
