/* What a story has beside its kind and way, and which stories there are. Pure. */
import { WAYS, type Way } from './guarantees.ts';
import { makeDice } from './random.ts';

export const KINDS = [
  'postgres',
  'mysql',
  'sqlserver',
  'bigquery-copied',
  'bigquery-queried',
  'csv',
  'parquet',
] as const;
export type Kind = (typeof KINDS)[number];

/**
 * `together`: two tables that every transaction changes alike, published together. `filtered`: a row filter. `again`: some
 * loads read anew, or from a value of the cursor on. `nulled`, `rejected`: prices that no column of the warehouse can hold,
 * and what becomes of them.
 */
export const TRAITS = ['together', 'filtered', 'again', 'nulled', 'rejected'] as const;
export type Trait = (typeof TRAITS)[number];

const SHARES: Readonly<Record<Trait, number>> = {
  together: 0.3,
  filtered: 0.3,
  again: 0.4,
  nulled: 0.25,
  rejected: 0.3,
};

/** Loads of one story, before the one in peace. */
const RUNS = 5;

export interface Plan {
  readonly kind: Kind;
  readonly way: Way;
  readonly traits: readonly Trait[];
  readonly runs: number;
  readonly seed: number;
}

/** What is wanted. `only`: `kind`, `way` or `kind/way`, with `+trait…` for exactly these traits; '' for all. */
export interface Wanted {
  readonly runs: number;
  readonly seed: number;
  readonly lanes: number;
  readonly only: string;
}

export function isFile(kind: Kind): boolean {
  return kind === 'csv' || kind === 'parquet';
}

/** Whether tables of the kind are loaded by the way. */
function goes(kind: Kind, way: Way): boolean {
  // Files are told by themselves what is new, so they are never read whole to be merged.
  if (isFile(kind)) return way === 'replace' || way === 'append' || way === 'merge-cursor';
  // Of what the warehouse copies itself no keys are read.
  return kind !== 'bigquery-copied' || way !== 'merge-sweep';
}

/** Whether a story of that kind and way may have all of `traits`. */
function fits(kind: Kind, way: Way, traits: readonly Trait[]): boolean {
  // The tests' SQL Server knows no conditions but those on keys and cursors.
  if (kind === 'sqlserver' && traits.includes('filtered')) return false;
  const misfits = traits.filter((one) => one === 'nulled' || one === 'rejected');
  if (misfits.length === 0) return true;
  if (kind !== 'postgres' || misfits.length > 1 || traits.includes('filtered')) return false;
  // Of what was rejected the former version stays, which reading anew replaces; and deleted rows are not looked for then.
  const marks = way === 'merge-mark' || way === 'merge-sweep';
  return misfits[0] === 'nulled' || !(marks || traits.includes('again'));
}

/** The traits that follow from a story's seed. */
function drawTraits(kind: Kind, way: Way, seed: number): Trait[] {
  const dice = makeDice(seed ^ 0x7a17);
  const drawn: Trait[] = [];
  for (const trait of TRAITS)
    if (dice.chance(SHARES[trait]) && fits(kind, way, [...drawn, trait])) drawn.push(trait);
  return drawn;
}

export function nameOf({ kind, way, traits }: Pick<Plan, 'kind' | 'way' | 'traits'>): string {
  return [`${kind}/${way}`, ...traits].join('+');
}

/** The stories, kinds and ways in turn, until there are `runs` loads. @throws RangeError where there are none of `only` */
export function planStories({ runs, seed, only }: Wanted): Plan[] {
  const [place = '', ...named] = only.split('+');
  const traits = TRAITS.filter((trait) => named.includes(trait));
  const all = WAYS.flatMap((way) =>
    KINDS.filter((kind) => goes(kind, way) && fits(kind, way, traits)).map((kind) => ({ kind, way })),
  ).filter(({ kind, way }) => ['', kind, way, `${kind}/${way}`].includes(place));
  if (all.length === 0 || named.some((name) => name !== '' && !traits.some((trait) => trait === name)))
    throw new RangeError(`there is nothing like "${only}"`);
  const plans: Plan[] = [];
  for (let left = runs, n = 0; left > 0; n++) {
    // Where it begins follows from the seed, so that short runs of several seeds come to all of them.
    const one = all[(n + seed) % all.length];
    if (one === undefined) break;
    const own = seed + 1000 * n;
    plans.push({
      ...one,
      traits: only.includes('+') ? traits : drawTraits(one.kind, one.way, own),
      runs: Math.min(RUNS, left),
      seed: own,
    });
    left -= RUNS;
  }
  return plans;
}
