/**
 * Successive halving: all settings are tried cheaply, the better part of them more thoroughly, the best in full. Sources:
 * Jamieson, Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter Optimization", AISTATS 2016; a third
 * goes on as in Li et al., "Hyperband", JMLR 2018.
 */
export interface Rung {
  /** Customers measured, at most. */
  readonly customers: number;
  /** Share of a fit's work, where an algorithm has a cheaper form of a setting. */
  readonly effort: number;
  /** No trial of this rung starts after this share of the seconds. */
  readonly until: number;
}

/** Fewer customers than this tell settings apart only by chance. */
const LEAST_CUSTOMERS = 300;
/** More do not change what is chosen: the standard error of a mean figure is below 0.3 points then. */
export const MOST_CUSTOMERS = 10_000;
/** Of the settings of a rung one of so many goes on. */
const KEEP_ONE_OF = 3;
/** With no more settings than this, all are tried in full at once. */
const FEW_SETTINGS = 4;

/** The rungs for `settings` settings measured on `customers` customers: pure. */
export function planRungs(settings: number, customers: number, full = MOST_CUSTOMERS): Rung[] {
  const most = Math.min(full, customers);
  const sample = (share: number) => Math.min(most, Math.max(LEAST_CUSTOMERS, Math.ceil(most * share)));
  const last: Rung = { customers: most, effort: 1, until: 1 };
  if (settings <= FEW_SETTINGS) return [last];
  if (settings <= FEW_SETTINGS * KEEP_ONE_OF)
    return [{ customers: sample(0.25), effort: 0.4, until: 0.5 }, last];
  return [
    { customers: sample(0.1), effort: 0.25, until: 0.45 },
    { customers: sample(0.35), effort: 0.5, until: 0.75 },
    last,
  ];
}

/** A setting's standing at the end of a rung: its figure for each slot it answers. */
export interface Standing {
  readonly trial: number;
  readonly algorithm: string;
  readonly figures: Readonly<Record<string, number>>;
}

/**
 * The trials that go on: for each slot the best third (of equals the earlier), and every algorithm's best, so that what
 * needs more effort to show is not lost, and blends have something to be made of. Best first, by the better of its places: if
 * time runs out it cuts what is least likely to win.
 */
export function promote(standings: readonly Standing[]): number[] {
  const slots = [...new Set(standings.flatMap(({ figures }) => Object.keys(figures)))];
  const places = new Map<number, number>();
  for (const slot of slots) {
    const ranked = standings
      .filter(({ figures }) => figures[slot] !== undefined)
      .toSorted((a, b) => b.figures[slot]! - a.figures[slot]! || a.trial - b.trial);
    const first = new Set<string>();
    ranked.forEach(({ trial, algorithm }, place) => {
      if (place < Math.ceil(ranked.length / KEEP_ONE_OF) || !first.has(algorithm))
        places.set(trial, Math.min(place, places.get(trial) ?? Infinity));
      first.add(algorithm);
    });
  }
  return [...places.keys()].sort((a, b) => places.get(a)! - places.get(b)! || a - b);
}

/** The best trial of each slot, of equals the earlier: what leads is worth more time than the others. */
export function leadersOf(standings: readonly Standing[]): Set<number> {
  const slots = new Set(standings.flatMap(({ figures }) => Object.keys(figures)));
  const best = (slot: string) =>
    standings
      .filter(({ figures }) => figures[slot] !== undefined)
      .toSorted((a, b) => b.figures[slot]! - a.figures[slot]! || a.trial - b.trial)[0]!;
  return new Set([...slots].map((slot) => best(slot).trial));
}
