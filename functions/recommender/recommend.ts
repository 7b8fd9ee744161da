import { z } from 'zod';
import { ModelCard } from '#core/metrics';
import { AlgorithmName, SLOTS, type SlotName } from '#core/slot';
import type { Model } from './algorithm.ts';
import { makeArtifactWriter, openArtifact, type SectionReader } from './artifact.ts';
import { likenessOf } from './alike.ts';
import { indexAttributes, type AttributeIndexes } from './attributes.ts';
import { bitsOf } from './bits.ts';
import { findBuyers, type LikelyBuyer } from './buyers.ts';
import type { AnsweredSlot } from './choose-derived.ts';
import { topOf } from './candidates.ts';
import {
  basketProfile,
  profileOf,
  sizeOf,
  type Catalogue,
  type History,
  type HistorySize,
  type Profile,
} from './data.ts';
import { explainOffer, type Evidence } from './explain.ts';
import { loadItemItem, type ItemItemModel } from './item-item.ts';
import { loadPacks, savePacks, suggestQuantity, type Packs, type Suggestion } from './packs.ts';
import { mergeNextOrder } from './next-order.ts';
import { makeShelf, rank, type Ranked, type RankOptions } from './rank.ts';
import { select, type Selection } from './select.ts';
import { relative, sharePlaces } from './shared-places.ts';
import { registry } from './registry.ts';
import { requireLength, requireRows } from './shape.ts';
import { loadSignals, saveSignals, type Signals } from './signals/fit.ts';

/** The fitted parts of a version: what `saveRecommender` writes and `openRecommender` gives back. */
export interface Portfolio {
  readonly customers: Catalogue;
  readonly items: Catalogue;
  /** All purchases, as of the snapshot. */
  readonly history: History;
  /** Items with fewer buyers are not offered as discoveries. */
  readonly minBuyers: number;
  readonly slots: Readonly<Record<SlotName, { algorithm: AlgorithmName; model: Model }>>;
  /** Derived questions that a model of their own answers; none in versions trained before any was chosen. */
  readonly answers?: Readonly<Partial<Record<AnsweredSlot, { algorithm: AlgorithmName; model: Model }>>>;
  /** Item-item evidence: explanations, and similar items where no other model was chosen for them. */
  readonly neighbours: ItemItemModel;
  readonly card: ModelCard;
  /** Habits of the accounts; none in versions trained before there were any. */
  readonly signals?: Signals;
  /** How items are ordered; none in versions trained before it was looked at. */
  readonly packs?: Packs;
}

/** One offer with what speaks for it. */
export interface Offer extends Ranked {
  readonly slot: SlotName;
  readonly evidence: Evidence | null;
}

/** Answers from one version. Dense ids inside; keys at the door (`customerId`, `itemId`, `customers.keys`). */
export interface Recommender {
  readonly customers: Catalogue;
  readonly items: Catalogue;
  readonly history: History;
  readonly card: ModelCard;
  readonly signals: Signals | null;
  /** The dense id of a customer's key; null where the version does not know it. */
  customerId(key: string): number | null;
  itemId(key: string): number | null;
  /** What a customer bought. */
  profile(customer: number): Profile;
  /** Items put together on the fly; unknown ids are left out. */
  basket(items: Iterable<number>): Profile;
  /** Ready for filters. */
  readonly attributes: AttributeIndexes;
  /**
   * Best first; an empty profile gets popular items. `explain` names the evidence of each (about 10 µs per item); `basket`: the
   * profile is a basket, whose missing items are asked for.
   */
  recommend(profile: Profile, options: Selection & { explain?: boolean; basket?: boolean }): Offer[];
  /**
   * What may be ordered next: what was bought before, and items that were not in that `share` of the places; null: as loud as
   * training has learned (`mergeNextOrder`). Scores are shares of the best of the same kind.
   */
  nextOrder(
    profile: Profile,
    options: Omit<Selection, 'slot'> & { explain?: boolean },
    share: number | null,
  ): Offer[];
  /** The items given, the best first; those the model has no opinion on come last, as they were. */
  rerank(profile: Profile, items: readonly number[]): Offer[];
  /**
   * Items like `item`, best first; popular ones fill up where too few are known. `goes-with`: bought by the same customers, or
   * what the model tells that foretold baskets better; `similar`: what the discovery model holds alike, where it can tell.
   */
  similar(
    item: number,
    options: Omit<Selection, 'slot' | 'includeBought'>,
    kind?: 'goes-with' | 'similar',
  ): Ranked[];
  /** Whether the discovery model can say which items are alike. */
  readonly knowsLikeness: boolean;
  /** Customers that are likely to buy `item`, of those that `allowed` lets through. */
  buyers(item: number, k: number, allowed: (customer: number) => boolean): LikelyBuyer[];
  /** How much of an item to suggest; null where nothing is known. */
  quantity(profile: Profile, item: number): Suggestion | null;
}

/** A recommender over fitted parts: the same code for the trainer's offline lists and for serving. */
export function makeRecommender(portfolio: Portfolio): Recommender {
  const { customers, items, history, slots, answers = {}, neighbours, card } = portfolio;
  const beside = answers.similar?.model ?? neighbours;
  const shelf = makeShelf(history, portfolio.minBuyers);
  const customerIds = idsOf(customers.keys);
  const itemIds = idsOf(items.keys);
  return {
    customers,
    items,
    history,
    card,
    signals: portfolio.signals ?? null,
    customerId: (key) => customerIds.get(key) ?? null,
    itemId: (key) => itemIds.get(key) ?? null,
    profile: (customer) => profileOf(history, customer),
    basket: (basketItems) => basketProfile(basketItems, history),
    attributes: indexAttributes(items),
    recommend: (profile, { explain = false, basket = false, ...options }) => {
      const { model } =
        (basket && options.slot === 'discover' ? answers.basket : null) ?? slots[options.slot];
      return select(
        (ranking) => rank(model, profile, shelf, ranking),
        options,
        items.keys.length,
        likenessOf(slots.discover.model, neighbours),
      ).map((ranked) => ({
        ...ranked,
        slot: options.slot,
        evidence: explain
          ? explainOffer(ranked, options.slot, profile, { neighbours, history, model })
          : null,
      }));
    },
    nextOrder: (profile, { explain = false, ...options }, share) => {
      const bought = new Set(profile.items);
      const by = (slot: SlotName, ranking: RankOptions) =>
        rank(slots[slot].model, profile, shelf, { ...ranking, slot, includeBought: false });
      return select(
        (ranking) => {
          const [again, fresh] = [by('reorder', ranking), by('discover', ranking)] as const;
          const { discoverShare } = card.metrics.overall;
          if (share !== null) return sharePlaces(again, fresh, share, ranking.k);
          // Boosting one item makes it louder, not the others of its kind quieter.
          const plain = (slot: SlotName) => {
            const { weights, ...unweighted } = ranking;
            return weights === undefined ? undefined : by(slot, { ...unweighted, k: 1 })[0]?.score;
          };
          const [most, mostNew] = [plain('reorder'), plain('discover')];
          return mergeNextOrder(
            relative(again, most),
            relative(fresh, mostNew),
            discoverShare,
            ranking.k,
            [1, 1],
          );
        },
        { ...options, slot: 'discover', relevance: 'place' },
        items.keys.length,
        likenessOf(slots.discover.model, neighbours),
      ).map((ranked) => {
        const slot = bought.has(ranked.item) ? 'reorder' : 'discover';
        const { model } = slots[slot];
        const evidence = explain ? explainOffer(ranked, slot, profile, { neighbours, history, model }) : null;
        return { ...ranked, slot, evidence };
      });
    },
    rerank: (profile, given) => {
      const { model } = slots.discover;
      const top = topOf(model, profile, given.length, bitsOf(given, items.keys.length), shelf.scores);
      const listed = new Set(top.map(({ item }) => item));
      const rest = [...new Set(given)].filter((item) => !listed.has(item));
      return [
        ...top.map(({ item, score }): Ranked => ({ item, score, from: 'model' })),
        ...rest.map((item): Ranked => ({ item, score: 0, from: 'popularity' })),
      ].map((ranked) => ({
        ...ranked,
        slot: 'discover',
        evidence: explainOffer(ranked, 'discover', profile, { neighbours, history, model }),
      }));
    },
    similar: (item, { exclude, ...options }, kind = 'goes-with') => {
      const { model } = slots.discover;
      const like = model.similar && kind === 'similar' ? model : beside;
      const likened: Model = { score: (_, scores) => like.similar?.(item, scores), save: () => undefined };
      return select(
        (ranking) => rank(likened, basketProfile([], history), shelf, ranking),
        { ...options, slot: 'discover', exclude: new Set([...(exclude ?? []), item]) },
        items.keys.length,
        likenessOf(model, neighbours),
      );
    },
    knowsLikeness: slots.discover.model.similar !== undefined,
    buyers: (item, k, allowed) =>
      findBuyers({ history, neighbours, model: slots.discover.model }, item, k, allowed),
    quantity: (profile, item) =>
      portfolio.packs === undefined ? null : suggestQuantity(portfolio.packs, profile, item),
  };
}

function idsOf(keys: readonly string[]): Map<string, number> {
  const ids = new Map<string, number>();
  // One by one: a pair for each would be a second list of them all.
  keys.forEach((key, id) => ids.set(key, id));
  return ids;
}

/** The artifact file's bytes. */
export function saveRecommender(portfolio: Portfolio): Uint8Array {
  const { customers, items, history, slots, answers = {}, neighbours, card, minBuyers } = portfolio;
  const writer = makeArtifactWriter();
  const all = [...SLOTS.map((slot) => slots[slot]), ...Object.values(answers)];
  const models = [...new Set(all.map(({ model }) => model))];
  models.forEach((model, n) => model.save(writer.scope(`models/${n}`)));
  neighbours.save(writer.scope('neighbours'));
  const entryFor = ({ algorithm, model }: (typeof all)[number]) => ({
    algorithm,
    model: models.indexOf(model),
  });
  writer.value('head', {
    customers: history.customers,
    items: history.items,
    asOf: history.asOf,
    minBuyers,
    slots: { reorder: entryFor(slots.reorder), discover: entryFor(slots.discover) },
    answers: {
      ...(answers.similar ? { similar: entryFor(answers.similar) } : {}),
      ...(answers.basket ? { basket: entryFor(answers.basket) } : {}),
    },
    signals: portfolio.signals !== undefined,
    packs: portfolio.packs !== undefined,
    brands: items.brands !== undefined,
    segments: customers.segments !== undefined,
  } satisfies z.infer<typeof Head>);
  if (portfolio.signals !== undefined) saveSignals(writer.scope('signals'), portfolio.signals);
  if (portfolio.packs !== undefined) savePacks(portfolio.packs, writer.scope('packs'));
  writer.value('card', card);
  writer.strings('customers/keys', customers.keys);
  writer.strings('customers/names', customers.names);
  writer.strings('items/keys', items.keys);
  writer.strings('items/names', items.names);
  writer.strings('items/categories', items.categories ?? items.keys.map(() => null));
  if (items.brands !== undefined) writer.strings('items/brands', items.brands);
  if (customers.segments !== undefined) writer.strings('customers/segments', customers.segments);
  for (const name of ['indptr', 'item', 'count', 'first', 'last', 'quantity', 'buyers'] as const)
    writer.array(`history/${name}`, history[name]);
  return writer.finish();
}

const SlotEntry = z.object({ algorithm: AlgorithmName, model: z.int().min(0) });
const Head = z.object({
  customers: z.int().min(0),
  items: z.int().min(0),
  asOf: z.number(),
  minBuyers: z.int(),
  slots: z.object({ reorder: SlotEntry, discover: SlotEntry }),
  answers: z.object({ similar: SlotEntry.optional(), basket: SlotEntry.optional() }).default({}),
  signals: z.boolean().default(false),
  packs: z.boolean().default(false),
  brands: z.boolean().default(false),
  segments: z.boolean().default(false),
});

/** A recommender from an artifact's bytes (shared, not copied). Errors: see `openArtifact` and `SectionReader`. */
export function openRecommender(bytes: Uint8Array, contentDigest?: Uint8Array): Recommender {
  const reader = openArtifact(bytes, contentDigest);
  const head = reader.value('head', Head);
  const loaded = new Map<string, Model>();
  const load = ({ algorithm, model: n }: z.infer<typeof SlotEntry>) => {
    const place = `${algorithm} ${n}`;
    const model = loaded.get(place) ?? registry[algorithm].load(reader.scope(`models/${n}`), head.items);
    loaded.set(place, model);
    return { algorithm, model };
  };
  const customers: Catalogue = {
    ...loadCatalogue(reader, 'customers', head.customers),
    ...(head.segments ? { segments: loadTexts(reader, 'customers/segments', head.customers) } : {}),
  };
  const items: Catalogue = {
    ...loadCatalogue(reader, 'items', head.items),
    categories: loadTexts(reader, 'items/categories', head.items),
    ...(head.brands ? { brands: loadTexts(reader, 'items/brands', head.items) } : {}),
  };
  const history = loadHistory(reader, head.asOf, sizeOf(customers, items));
  return makeRecommender({
    customers,
    items,
    history,
    minBuyers: head.minBuyers,
    slots: { reorder: load(head.slots.reorder), discover: load(head.slots.discover) },
    answers: {
      ...(head.answers.similar ? { similar: load(head.answers.similar) } : {}),
      ...(head.answers.basket ? { basket: load(head.answers.basket) } : {}),
    },
    neighbours: loadItemItem(reader.scope('neighbours'), head.items),
    card: reader.value('card', ModelCard),
    ...(head.signals ? { signals: loadSignals(reader.scope('signals'), history) } : {}),
    ...(head.packs ? { packs: loadPacks(reader.scope('packs'), head.items) } : {}),
  });
}

function loadTexts(reader: SectionReader, name: string, count: number): (string | null)[] {
  const texts = reader.strings(name);
  requireLength(name, texts, count);
  return texts;
}

function loadCatalogue(reader: SectionReader, name: 'customers' | 'items', count: number): Catalogue {
  const keys = loadTexts(reader, `${name}/keys`, count).map((key) => key ?? '');
  return { keys, names: loadTexts(reader, `${name}/names`, count) };
}

function loadHistory(reader: SectionReader, asOf: number, size: HistorySize): History {
  const { customers, items } = size;
  const history: History = {
    ...size,
    asOf,
    indptr: reader.i32('history/indptr'),
    item: reader.i32('history/item'),
    count: reader.f32('history/count'),
    first: reader.f64('history/first'),
    last: reader.f64('history/last'),
    quantity: reader.f32('history/quantity'),
    buyers: reader.i32('history/buyers'),
  };
  requireRows('history', { indptr: history.indptr, index: history.item }, customers, items);
  for (const name of ['count', 'first', 'last', 'quantity'] as const)
    requireLength(`history/${name}`, history[name], history.item.length);
  requireLength('history/buyers', history.buyers, items);
  return history;
}
