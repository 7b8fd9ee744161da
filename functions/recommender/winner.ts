import type { RankingMetrics } from '#core/metrics';
import type { Setting } from './trial-plan.ts';

/** A setting with what it reached on the validation window. */
export interface Winner extends Setting {
  readonly validation: RankingMetrics;
  /** The goal, mean over the measured customers. */
  readonly figure: number;
  /** The goal by customer of the last rung; NaN where one has no target. */
  readonly figures: Float32Array;
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
