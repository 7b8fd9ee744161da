/**
 * What the demo wholesaler sells, as product families (`families.csv` beside this file): the catalogue
 * (`catalogue.ts`) makes every combination of the two option lists a product.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** The trades and chores that goods are bought for. An account has a few of them; they are what a model must find. */
export const ACTIVITIES = [
  'turning-milling',
  'welding',
  'stainless-work',
  'sheet-metal',
  'electrical-installation',
  'lighting-maintenance',
  'plumbing',
  'heating-ventilation',
  'cleaning',
  'food-hygiene',
  'warehousing',
  'packing',
  'woodworking',
  'painting',
  'vehicle-repair',
  'workshop-teaching',
  'grounds-keeping',
  'site-safety',
] as const;

/** One of `ACTIVITIES`. */
export type Activity = (typeof ACTIVITIES)[number];

const List = z.string().transform((text) => text.split(' | '));

/** A family: `first × second` options make its products. */
const Family = z.object({
  category: z.string().min(1),
  name: z.string().min(1),
  first: List,
  second: List,
  /** What one unit is: piece, pair, metre, litre, kilogram, roll, box. */
  unit: z.string().min(1),
  /** Units per pack; orders are whole packs. */
  packs: List.transform((texts) => texts.map(Number)).pipe(z.array(z.int().positive())),
  /** List price of one unit of the smallest option, in euro. */
  price: z.coerce.number().positive(),
  /** Typical days between two purchases of one account. */
  cycle: z.coerce.number().int().positive(),
  /** When it sells, `orders.ts` says by how much; null: all year. */
  season: z.enum(['winter', 'summer', '']).transform((season) => (season === '' ? null : season)),
  activities: List.pipe(z.array(z.enum(ACTIVITIES)).min(1)),
});
export type Family = z.output<typeof Family>;

/** The whole range, about a hundred families. Prices and packs are plausible, brands are invented. */
export const FAMILIES: readonly Family[] = parseFamilies(
  readFileSync(new URL('families.csv', import.meta.url), 'utf8'),
);

function parseFamilies(text: string): Family[] {
  const [header = '', ...lines] = text.trim().split('\n');
  const names = header.split(';');
  return lines.map((line) => {
    const cells = line.split(';');
    return Family.parse(Object.fromEntries(names.map((name, index) => [name, cells[index]])));
  });
}
