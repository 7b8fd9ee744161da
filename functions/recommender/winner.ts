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
