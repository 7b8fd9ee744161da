import type { SlotName } from '#core/slot';
import type { Model } from './algorithm.ts';
import { DAY_MS, recencyWeight, type Catalogue, type History, type Profile } from './data.ts';
import { entryOf, type ItemItemModel } from './item-item.ts';
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
  | { readonly kind: 'popular'; readonly buyers: number; readonly customers: number }
  | { readonly kind: 'pinned' };

/**
 * The evidence for one offer. Discovery is explained by what the model itself makes of each purchase where it can tell
 * (`contributions`), else by the item-item terms: either is what a person can check. Where no bought item speaks for the
 * offer, popularity is all there is.
 */
export function explainOffer(
  offer: Ranked,
  slot: SlotName,
  profile: Profile,
  from: { neighbours: ItemItemModel; history: History; model?: Pick<Model, 'contributions'> },
): Evidence {
  const { history, neighbours, model } = from;
  if (offer.from === 'pinned') return { kind: 'pinned' };
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
  const told = model?.contributions?.(profile, offer.item);
  return (
    (told
      ? loudestOf(profile, (n) => told[n]!)
      : strongestVoice(profile, history.asOf, (bought) => entryOf(neighbours.matrix, bought, offer.item))) ??
    popular
  );
}

function boughtBefore(profile: Profile, at: number): Evidence {
  const times = profile.count[at] ?? 1;
  const last = profile.last[at] ?? 0;
  const span = last - (profile.first[at] ?? last);
  return { kind: 'bought-before', times, last, everyDays: times > 1 && span > 0 ? span / (times - 1) : null };
}

/** Half-life in days with which older purchases speak more quietly; only for choosing which one to name. */
const VOICE_HALF_LIFE = 365;

/** The item of the profile that `voice` is loudest for, older purchases more quietly; null where it is 0 for all. */
export function strongestVoice(
  profile: Profile,
  asOf: number,
  voice: (bought: number) => number,
): Evidence | null {
  return loudestOf(profile, (n) => {
    const spoken = voice(profile.items[n]!);
    return spoken > 0 ? spoken * recencyWeight(asOf - profile.last[n]!, VOICE_HALF_LIFE) : 0;
  });
}

function loudestOf(profile: Profile, voice: (n: number) => number): Evidence | null {
  let total = 0;
  let loudest = -1;
  let loudness = 0;
  for (let n = 0; n < profile.items.length; n++) {
    const spoken = voice(n);
    // What speaks against the offer is no share of what speaks for it.
    if (!(spoken > 0)) continue;
    total += spoken;
    if (spoken > loudness) {
      loudness = spoken;
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

/**
 * The evidence as a sentence. `now` in milliseconds; a basket's items were not bought, so they are named without a date;
 * `other`: not to the customer but of it.
 */
export function describeEvidence(
  evidence: Evidence,
  items: Catalogue,
  options: { now: number; basket: boolean; other?: boolean },
): string {
  const name = (item: number) => items.names[item] ?? items.keys[item] ?? '';
  switch (evidence.kind) {
    case 'bought-together':
      return options.basket
        ? `Often bought by those who buy ${name(evidence.item)}, which is in the basket.`
        : options.other === true
          ? `Bought ${name(evidence.item)} (${times(evidence.times)}, last on ${date(evidence.last)}), as those do who buy this.`
          : `Because you bought ${name(evidence.item)} (${times(evidence.times)}, last on ${date(evidence.last)}).`;
    case 'bought-before': {
      if (options.basket) return 'It is in the basket.';
      const rhythm = evidence.everyDays === null ? '' : `, about every ${days(evidence.everyDays)}`;
      return `Bought ${times(evidence.times)}${rhythm}, last ${ago(options.now / DAY_MS - evidence.last)}.`;
    }
    case 'pinned':
      return 'Placed here by the request.';
    default:
      return `Popular: ${evidence.buyers} of ${evidence.customers} customers bought it.`;
  }
}

const times = (n: number) => (n === 1 ? 'once' : n === 2 ? 'twice' : `${Math.round(n)} times`);
const date = (day: number) => new Date(day * DAY_MS).toISOString().slice(0, 10);
const days = (n: number) => (Math.round(n) <= 1 ? 'day' : `${Math.round(n)} days`);
const ago = (n: number) =>
  Math.floor(n) <= 0 ? 'today' : Math.floor(n) === 1 ? 'yesterday' : `${Math.floor(n)} days ago`;
