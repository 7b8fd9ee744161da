import type { RankingMetrics } from '#core/metrics';
import type { Setting } from './trial-plan.ts';

/** A setting with what it reached on the validation window. */
export interface Winner extends Setting {
  readonly validation: RankingMetrics;
  /** The goal, mean over the measured customers. */
  readonly figure: number;
  /** The goal by customer of the last rung; NaN where one has no target, or was not asked in the rung that it came to. */
  readonly figures: Float32Array;
  /** The rung that it came to: the last one unless the time cap ended its trials. */
  readonly rung: number;
}

/** Figures as text that gives back every bit, NaN included. */
export function packFigures(figures: Float32Array): string {
  return Buffer.from(figures.buffer, figures.byteOffset, figures.byteLength).toString('base64');
}

/** What `packFigures` packed. */
export function unpackFigures(text: string): Float32Array {
  const bytes = new Uint8Array(Buffer.from(text, 'base64'));
  return new Float32Array(bytes.buffer, 0, bytes.byteLength / 4);
}

/** The figures of some customers among all; NaN for the others. Both ascend. */
export function spreadFigures(figures: Float32Array, some: Int32Array, all: Int32Array): Float32Array {
  const spread = new Float32Array(all.length).fill(NaN);
  let at = 0;
  for (const [n, customer] of some.entries()) {
    while (all[at] !== customer) at++;
    spread[at] = figures[n]!;
  }
  return spread;
}

/**
 * Best first. Figures of two rungs are means over different customers: who ended earlier is compared with the best of the last
 * rung on the customers that both were measured on. Of equals who is named first.
 */
export function bestFirst(winners: readonly Winner[]): Winner[] {
  const last = winners.reduce((most, { rung }) => Math.max(most, rung), 0);
  const leader = winners
    .filter(({ rung }) => rung === last)
    .reduce<Winner | null>((best, each) => (best === null || each.figure > best.figure ? each : best), null);
  const standing = ({ rung, figure, figures }: Winner) =>
    rung === last || leader === null ? figure : leader.figure + meanLead(figures, leader.figures);
  return winners
    .map((winner) => ({ winner, at: standing(winner) }))
    .toSorted((a, b) => b.at - a.at)
    .map(({ winner }) => winner);
}

/** The mean of `ours - theirs` over those who have both; as bad as can be where nobody has. */
function meanLead(ours: Float32Array, theirs: Float32Array): number {
  let [sum, count] = [0, 0];
  ours.forEach((figure, n) => {
    const lead = figure - theirs[n]!;
    if (Number.isNaN(lead)) return;
    sum += lead;
    count++;
  });
  return count === 0 ? -Infinity : sum / count;
}
