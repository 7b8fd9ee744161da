import { type Catalogue, type Kit } from '#scripts/demo/catalogue';
import { ACTIVITIES, type Activity } from '#scripts/demo/families';
import { makeRandom, type Random } from '#scripts/demo/random';

/** A kind of customer: what it does and how it buys. */
export interface Segment {
  readonly name: string;
  /** Share of all accounts. */
  readonly share: number;
  /** Weight of each activity for accounts of the segment. */
  readonly interests: Readonly<Partial<Record<Activity, number>>>;
  /** Months (1 to 12) in which next to nothing is bought. */
  readonly closed: readonly number[];
  readonly words: readonly string[];
}

const describe = (
  name: string,
  share: number,
  interests: Segment['interests'],
  words: string,
  closed: readonly number[] = [],
): Segment => ({ name, share, interests, words: words.split(', '), closed });

/** The segments; shares add up to 1. */
export const SEGMENTS: readonly Segment[] = [
  describe(
    'machine shop',
    0.15,
    { 'turning-milling': 6, 'sheet-metal': 2, welding: 2, warehousing: 1 },
    'Precision, Machining, CNC Parts, Toolworks',
  ),
  describe(
    'metal fabricator',
    0.13,
    { welding: 6, 'stainless-work': 4, 'sheet-metal': 4, painting: 1, packing: 1 },
    'Metalworks, Steel, Fabrication, Welding',
  ),
  describe(
    'electrician',
    0.13,
    { 'electrical-installation': 7, 'lighting-maintenance': 3, 'site-safety': 1 },
    'Electric, Installations, Power, Lighting',
  ),
  describe(
    'plumbing and heating',
    0.12,
    { plumbing: 6, 'heating-ventilation': 5, 'electrical-installation': 1, 'site-safety': 1 },
    'Plumbing, Heating, Sanitary, Climate',
  ),
  describe(
    'facility manager',
    0.11,
    { cleaning: 6, 'lighting-maintenance': 4, 'grounds-keeping': 3, painting: 2, plumbing: 1 },
    'Facility, Property Services, Buildings, Estates',
  ),
  describe(
    'food plant',
    0.07,
    { 'food-hygiene': 7, packing: 4, cleaning: 3, warehousing: 2, 'stainless-work': 1 },
    'Foods, Bakery, Dairy, Meats',
  ),
  describe(
    'school',
    0.07,
    { 'workshop-teaching': 6, cleaning: 4, 'lighting-maintenance': 2, woodworking: 1 },
    'School, College, Technical Institute, Academy',
    [7, 8],
  ),
  describe(
    'logistics',
    0.07,
    { warehousing: 6, packing: 5, 'vehicle-repair': 2, cleaning: 1 },
    'Logistics, Freight, Warehouse, Cargo',
  ),
  describe(
    'joinery',
    0.07,
    { woodworking: 7, painting: 3, packing: 1, 'site-safety': 1 },
    'Joinery, Carpentry, Kitchens, Interiors',
  ),
  describe(
    'garage',
    0.05,
    { 'vehicle-repair': 8, painting: 2, cleaning: 1 },
    'Motors, Autohaus, Garage, Trucks',
  ),
  describe(
    'municipality',
    0.03,
    { 'grounds-keeping': 6, cleaning: 3, 'site-safety': 3, 'vehicle-repair': 2 },
    'Council, Municipality, Works Depot, Parks',
  ),
];

/** An article in regular use at an account. */
export interface Habit {
  readonly sku: string;
  /** Day of the first purchase or soon after; negative before the history begins. */
  readonly from: number;
  /** Last day of use: needs change, a competitor is cheaper. Past the history's end for most. */
  readonly until: number;
  /** Days between purchases. */
  readonly cycle: number;
  /** Packs per purchase, before jitter. */
  readonly packs: number;
}

/** A customer. Orders of all branches are the account's. */
export interface Account {
  readonly customerNo: number;
  readonly name: string;
  readonly segment: string;
  readonly city: string;
  readonly branches: readonly { readonly branchNo: number; readonly city: string }[];
  readonly repNo: number;
  /** Price below list, 0 to 0.2. */
  readonly discount: number;
  /** First and last day of doing business; 0 and the history's last day for most. */
  readonly since: number;
  readonly until: number;
  /** Days between order days. */
  readonly rhythm: number;
  readonly activities: readonly Activity[];
  readonly habits: readonly Habit[];
  /** Net price of each article under contract; null where there is none. */
  readonly contract: ReadonlyMap<string, number> | null;
}

const CITIES =
  'Aachen, Bremen, Cottbus, Dortmund, Erfurt, Freiburg, Giessen, Hamm, Ingolstadt, Jena, Kassel, Leipzig, Mainz, Neuss, Osnabruck, Passau, Rostock, Siegen, Trier, Ulm, Weimar, Zwickau'.split(
    ', ',
  );
const NAMES =
  'Adler, Becker, Conrad, Dietz, Ebner, Falk, Gerlach, Hahn, Imhof, Jansen, Keller, Lorenz, Maurer, Noll, Otten, Pohl, Quast, Richter, Sauer, Thoma, Ulrich, Vogt, Wirth, Zeller'.split(
    ', ',
  );
const FORMS = ['GmbH', 'KG', 'AG', 'Ltd', 'Bros', '& Sons'] as const;
/** Sales representatives, each with a region's accounts. */
export const REPS = NAMES.slice(0, 12).map((name, index) => ({
  repNo: index + 1,
  name: `${'MAJDKLPSTEFR'[index] ?? 'X'}. ${name}`,
}));

/** Plans `count` accounts over a history of `days`. */
export function planAccounts(seed: number, count: number, days: number, catalogue: Catalogue): Account[] {
  return Array.from({ length: count }, (_, index) =>
    planAccount(makeRandom(seed, `account ${index}`), index, days, catalogue),
  );
}

function planAccount(random: Random, index: number, days: number, catalogue: Catalogue): Account {
  const segment = random.pickWeighted(SEGMENTS.map((entry) => [entry, entry.share] as const));
  const city = random.pick(CITIES);
  const size = Math.exp(0.7 * random.normal());
  const joined = random.chance(0.13) ? random.int(Math.round(days * 0.1), Math.round(days * 0.9)) : 0;
  const lapsed =
    joined === 0 && random.chance(0.1)
      ? random.int(Math.round(days * 0.3), Math.round(days * 0.92))
      : days - 1;
  const activities = pickActivities(segment, random);
  const habits = planHabits(random, { size, since: joined, until: lapsed, activities }, catalogue);
  const branches = Array.from({ length: Math.max(1, Math.min(8, Math.round(size * 1.3))) }, (_, branch) => ({
    branchNo: branch + 1,
    city: branch === 0 ? city : random.pick(CITIES),
  }));
  return {
    customerNo: 10_001 + index * 3,
    name: `${random.pick(NAMES)} ${random.pick(segment.words)} ${random.pick(FORMS)} ${city}`,
    segment: segment.name,
    city,
    branches,
    activities,
    habits,
    repNo: random.pick(REPS).repNo,
    discount: Math.round(Math.min(0.2, 0.04 * size + 0.05 * random.next()) * 100) / 100,
    since: joined,
    until: lapsed,
    rhythm: random.pick([5, 7, 10, 14, 14]),
    contract: random.chance(Math.min(0.8, 0.18 * size)) ? planContract(random, habits, catalogue) : null,
  };
}

function pickActivities(segment: Segment, random: Random): Activity[] {
  const entries = ACTIVITIES.map((activity) => [activity, segment.interests[activity] ?? 0] as const).filter(
    ([, weight]) => weight > 0,
  );
  const chosen = new Set<Activity>();
  const wanted = random.pickWeighted([
    [1, 2],
    [2, 5],
    [3, 3],
  ] as const);
  while (chosen.size < Math.min(wanted, entries.length)) chosen.add(random.pickWeighted(entries));
  return [...chosen];
}

/** What anybody may need, whatever the trade. */
const EVERYDAY: readonly Activity[] = ['cleaning', 'lighting-maintenance', 'site-safety'];

/** Kits, half of whose articles the account comes to use: half of them from the start, the rest one after another. */
function planHabits(
  random: Random,
  account: { size: number; since: number; until: number; activities: readonly Activity[] },
  catalogue: Catalogue,
): Habit[] {
  const target = Math.max(6, Math.min(70, Math.round(24 * account.size ** 0.5)));
  const habits = new Map<string, Habit>();
  const own = catalogue.kits.filter((kit) => account.activities.includes(kit.activity));
  const everyday = catalogue.kits.filter((kit) => EVERYDAY.includes(kit.activity));
  for (let tries = 0; habits.size < target && tries < 200; tries += 1) {
    const kits = random.chance(0.2) ? everyday : own;
    const kit: Kit = random.pickWeighted(kits.map((entry) => [entry, entry.weight] as const));
    for (const sku of kit.skus) {
      const product = catalogue.bySku.get(sku);
      if (habits.has(sku) || !random.chance(0.5) || !product?.family) continue;
      const cycle = Math.max(7, Math.round(product.family.cycle * Math.exp(0.35 * random.normal()) * 1.5));
      const early = random.chance(0.5)
        ? account.since - random.int(0, cycle)
        : random.int(account.since, account.until);
      const packs = Math.max(1, Math.round(1.6 * account.size * Math.exp(0.5 * random.normal())));
      const until = random.chance(0.4)
        ? Math.max(early, 0) + random.int(2 * cycle, 12 * cycle)
        : Number.MAX_SAFE_INTEGER;
      habits.set(sku, { sku, from: early, until, cycle, packs });
    }
  }
  return [...habits.values()];
}

/** A contract fixes prices for most of what the account uses and for some articles beyond. */
function planContract(random: Random, habits: readonly Habit[], catalogue: Catalogue): Map<string, number> {
  const others = random
    .sample(
      catalogue.products.filter((product) => product.family !== null),
      12,
    )
    .map((product) => product.sku);
  const covered = [...habits.map((habit) => habit.sku).filter(() => random.chance(0.85)), ...others];
  return new Map(
    covered.map((sku) => [
      sku,
      Math.round((catalogue.bySku.get(sku)?.listPrice ?? 0) * (0.75 + 0.15 * random.next()) * 10_000) /
        10_000,
    ]),
  );
}
