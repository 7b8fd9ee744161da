import { z } from 'zod';
import { ModelCard } from '#core/metrics';
import { AlgorithmName, SLOTS, type SlotName } from '#core/slot';
import type { Model } from './algorithm.ts';
import { makeArtifactWriter, openArtifact, type SectionReader } from './artifact.ts';
import { selectTop } from './candidates.ts';
import { basketProfile, profileOf, type Catalogue, type History, type Profile } from './data.ts';
import { explainOffer, type Evidence } from './explain.ts';
import { loadItemItem, type ItemItemModel } from './item-item.ts';
import { makeShelf, rank, type Ranked, type RankOptions } from './rank.ts';
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
  /** Item-item evidence: similar items and explanations. */
  readonly neighbours: ItemItemModel;
  readonly card: ModelCard;
  /** Habits of the accounts; none in versions trained before there were any. */
  readonly signals?: Signals;
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
  /** Best first; an empty profile gets popular items. `explain` names the evidence of each (about 10 µs per item). */
  recommend(profile: Profile, options: RankOptions & { explain?: boolean }): Offer[];
  /** Items bought by the same customers as `item`, best first; popular ones fill up where too few are known. */
  similar(item: number, k: number): Ranked[];
}

/** A recommender over fitted parts: the same code for the trainer's offline lists and for serving. */
export function makeRecommender(portfolio: Portfolio): Recommender {
  const { customers, items, history, slots, neighbours, card } = portfolio;
  const shelf = makeShelf(history, portfolio.minBuyers);
  const customerIds = new Map(customers.keys.map((key, id) => [key, id]));
  const itemIds = new Map(items.keys.map((key, id) => [key, id]));
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
    recommend: (profile, { explain = false, ...options }) =>
      rank(slots[options.slot].model, profile, shelf, options).map((ranked) => ({
        ...ranked,
        slot: options.slot,
        evidence: explain ? explainOffer(ranked, options.slot, profile, { neighbours, history }) : null,
      })),
    similar: (item, k) => similarItems(neighbours, shelf.popular, item, k),
  };
}

function similarItems(neighbours: ItemItemModel, popular: Int32Array, item: number, k: number): Ranked[] {
  const scores = new Float32Array(neighbours.matrix.rows);
  const { indptr, index, weight } = neighbours.matrix;
  for (let p = indptr[item] ?? 0; p < (indptr[item + 1] ?? 0); p++) scores[index[p]!] = weight[p]!;
  const top = selectTop(scores, k, (other) => other !== item);
  const ranked: Ranked[] = top.map((other) => ({ item: other, score: scores[other]!, from: 'model' }));
  const listed = new Set([item, ...top]);
  for (const other of popular) {
    if (ranked.length >= k) break;
    if (!listed.has(other)) ranked.push({ item: other, score: 0, from: 'popularity' });
  }
  return ranked;
}

/** The artifact file's bytes. */
export function saveRecommender(portfolio: Portfolio): Uint8Array {
  const { customers, items, history, slots, neighbours, card, minBuyers } = portfolio;
  const writer = makeArtifactWriter();
  const models = [...new Set(SLOTS.map((slot) => slots[slot].model))];
  models.forEach((model, n) => model.save(writer.scope(`models/${n}`)));
  neighbours.save(writer.scope('neighbours'));
  const slotEntry = (slot: SlotName) => ({
    algorithm: slots[slot].algorithm,
    model: models.indexOf(slots[slot].model),
  });
  writer.value('head', {
    customers: history.customers,
    items: history.items,
    asOf: history.asOf,
    minBuyers,
    slots: { reorder: slotEntry('reorder'), discover: slotEntry('discover') },
    signals: portfolio.signals !== undefined,
  } satisfies z.infer<typeof Head>);
  if (portfolio.signals !== undefined) saveSignals(writer.scope('signals'), portfolio.signals);
  writer.value('card', card);
  writer.strings('customers/keys', customers.keys);
  writer.strings('customers/names', customers.names);
  writer.strings('items/keys', items.keys);
  writer.strings('items/names', items.names);
  writer.strings('items/categories', items.categories ?? items.keys.map(() => null));
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
  signals: z.boolean().default(false),
});

/** A recommender from an artifact's bytes (shared, not copied). Errors: see `openArtifact` and `SectionReader`. */
export function openRecommender(bytes: Uint8Array): Recommender {
  const reader = openArtifact(bytes);
  const head = reader.value('head', Head);
  const loaded = new Map<string, Model>();
  const load = ({ algorithm, model: n }: z.infer<typeof SlotEntry>) => {
    const place = `${algorithm} ${n}`;
    const model = loaded.get(place) ?? registry[algorithm].load(reader.scope(`models/${n}`), head.items);
    loaded.set(place, model);
    return { algorithm, model };
  };
  const history = loadHistory(reader, head);
  return makeRecommender({
    customers: loadCatalogue(reader, 'customers', head.customers),
    items: {
      ...loadCatalogue(reader, 'items', head.items),
      categories: loadTexts(reader, 'items/categories', head.items),
    },
    history,
    minBuyers: head.minBuyers,
    slots: { reorder: load(head.slots.reorder), discover: load(head.slots.discover) },
    neighbours: loadItemItem(reader.scope('neighbours'), head.items),
    card: reader.value('card', ModelCard),
    ...(head.signals ? { signals: loadSignals(reader.scope('signals'), history) } : {}),
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

function loadHistory(reader: SectionReader, head: z.infer<typeof Head>): History {
  const { customers, items, asOf } = head;
  const history: History = {
    customers,
    items,
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
