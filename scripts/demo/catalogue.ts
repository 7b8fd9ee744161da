import { ACTIVITIES, FAMILIES, type Activity, type Family } from '#scripts/demo/families';
import { makeRandom, type Random } from '#scripts/demo/random';

/** One article. `sku` is its key; freight and fees are articles too, as in real systems. */
export interface Product {
  readonly sku: string;
  readonly name: string;
  readonly category: string;
  readonly brand: string;
  readonly unit: string;
  /** Goods are sold in whole packs: quantity is a multiple. */
  readonly packSize: number;
  /** Euro for one unit, 4 decimals. */
  readonly listPrice: number;
  /** The article that replaced this one, and since which day (0 = first day of the history). */
  readonly supersededBy: string | null;
  readonly supersededOn: number | null;
  readonly family: Family | null;
}

/** Articles bought together for one job: whoever uses one comes to use the others. */
export interface Kit {
  readonly activity: Activity;
  readonly skus: readonly string[];
  /** How common the kit is within its activity, > 0. */
  readonly weight: number;
}

/** Everything on offer. */
export interface Catalogue {
  readonly products: readonly Product[];
  readonly bySku: ReadonlyMap<string, Product>;
  readonly kits: readonly Kit[];
  /** Articles that are no goods: their keys have no digit. */
  readonly serviceCodes: readonly string[];
}

const BRANDS = ['Norvik', 'Halden', 'Brauer & Stolz', 'Tekmar', 'Olympe', 'Sarnia', 'Quint'] as const;
const HOUSE_BRAND = 'Tradeline';
const SERVICES = [
  ['FREIGHT', 'Freight and handling', 7.9],
  ['EXPRESS', 'Express delivery surcharge', 18.5],
  ['PALLET-DEPOSIT', 'Euro pallet, deposit', 12],
  ['SMALL-ORDER', 'Small order surcharge', 4.5],
] as const;
const SUPERSEDED_SHARE = 0.035;

/** Plans the range: about 1,500 articles, their successors, and the kits of each activity. */
export function planCatalogue(seed: number, days: number): Catalogue {
  const goods = supersede(planGoods(makeRandom(seed, 'goods')), makeRandom(seed, 'supersessions'), days);
  const services = SERVICES.map(([sku, name, price]): Product => ({
    sku,
    name,
    category: 'Services',
    brand: '',
    unit: 'piece',
    packSize: 1,
    listPrice: price,
    supersededBy: null,
    supersededOn: null,
    family: null,
  }));
  const products = [...goods, ...services];
  return {
    products,
    bySku: new Map(products.map((product) => [product.sku, product])),
    kits: ACTIVITIES.flatMap((activity) => planKits(activity, goods, makeRandom(seed, `kits ${activity}`))),
    serviceCodes: services.map((service) => service.sku),
  };
}

function planGoods(random: Random): Product[] {
  let number = 10_000;
  return FAMILIES.flatMap((family) =>
    family.first.flatMap((first, i) =>
      family.second.flatMap((second, j) => {
        const brands = random.chance(0.55) ? [random.pick(BRANDS), HOUSE_BRAND] : [random.pick(BRANDS)];
        const packSize: number = random.pick(family.packs);
        return brands.map((brand): Product => {
          const dearer = 1 + 0.22 * i + 0.18 * j + 0.1 * random.next();
          const price = family.price * dearer * (brand === HOUSE_BRAND ? 0.8 : 1);
          number += random.int(1, 9);
          return {
            sku: `${family.category.slice(0, 2).toUpperCase()}-${number}`,
            name: `${family.name} ${first}, ${second}, ${brand}`,
            category: family.category,
            brand,
            unit: family.unit,
            packSize,
            family,
            listPrice: Math.round(price * 10_000) / 10_000,
            supersededBy: null,
            supersededOn: null,
          };
        });
      }),
    ),
  );
}

/** Some articles end within the history and a successor takes their place. */
function supersede(goods: readonly Product[], random: Random, days: number): Product[] {
  const ended = new Set(random.sample(goods, Math.round(goods.length * SUPERSEDED_SHARE)));
  return goods.flatMap((product) => {
    if (!ended.has(product)) return [product];
    const successor: Product = {
      ...product,
      sku: `${product.sku}B`,
      name: `${product.name} (new version)`,
      listPrice: Math.round(product.listPrice * 1.04 * 10_000) / 10_000,
    };
    const day = random.int(Math.round(days * 0.15), Math.round(days * 0.8));
    return [{ ...product, supersededBy: successor.sku, supersededOn: day }, successor];
  });
}

/**
 * An activity uses some variants of each of its families, in kits of three to six from different families. A few kits
 * are common and most are rare (Zipf), so that overall popularity says little about any one account.
 */
function planKits(activity: Activity, goods: readonly Product[], random: Random): Kit[] {
  const families = FAMILIES.filter((family) => family.activities.includes(activity));
  const used = new Map(
    families.map((family) => {
      const variants = goods.filter((product) => product.family === family && !product.sku.endsWith('B'));
      return [family, random.sample(variants, Math.max(3, Math.round(variants.length * 0.75)))] as const;
    }),
  );
  const kits: Kit[] = [];
  const left = (): Family[] => families.filter((family) => (used.get(family)?.length ?? 0) > 0);
  while (left().length > 0) {
    const members = random.sample(left(), random.int(3, 6));
    const skus = members
      .flatMap((family) => used.get(family)?.splice(0, 1) ?? [])
      .map((product) => product.sku);
    kits.push({ activity, skus, weight: 1 / (kits.length + 2) ** 0.8 });
  }
  return kits;
}
