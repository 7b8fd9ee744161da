import { z } from 'zod';
import { TerminalError } from './errors.ts';
import { Id } from './ids.ts';

/** How a new version gets its share of real requests, and what takes it back. */
export const CanarySettings = z.strictObject({
  /** Percent of requests in each step before all of them; none: all at once. */
  steps: z
    .array(z.int().min(1).max(99))
    .max(5)
    .refine((steps) => steps.every((step, at) => at === 0 || step > (steps[at - 1] ?? 0)), {
      error: 'each step must be greater than the one before it, e.g. [10, 50]',
    })
    .default([10, 50]),
  /** How long each step lasts before the next. */
  bakeSeconds: z.int().min(0).max(86_400).default(300),
  /** Whether a version that does badly gives its share back by itself. */
  automaticRollback: z.boolean().default(true),
  /** Share of its answers that may be failures of the service (status 5xx), 0 to 1. */
  maxErrorShare: z.number().min(0).max(1).default(0.02),
  /** Milliseconds within which 95 of 100 answers must be made. */
  maxLatencyMs: z.int().min(1).max(30_000).default(500),
  /** With fewer requests in a step, errors and latency decide nothing. */
  minRequests: z.int().min(1).max(1_000_000).default(20),
});
export type CanarySettings = z.infer<typeof CanarySettings>;

/** A deployment's share of the model's requests. */
export const TrafficShare = z.object({ deployment: Id, percent: z.int().min(0).max(100) });
export type TrafficShare = z.infer<typeof TrafficShare>;

/** A model's split as a person asks for it: each deployment once, 100 percent together. */
export const TrafficSplit = z
  .array(z.strictObject({ deployment: Id, percent: z.int().min(0).max(100) }))
  .min(1)
  .max(10)
  .refine((split) => split.reduce((sum, { percent }) => sum + percent, 0) === 100, {
    error: 'the percentages must come to exactly 100',
  })
  .refine((split) => new Set(split.map(({ deployment }) => deployment)).size === split.length, {
    error: 'a deployment is named twice',
  });

/** The shares while `canary` has `percent` and `live` the rest. */
export function sharesOf(live: string, canary: string, percent: number): TrafficShare[] {
  return [
    { deployment: live, percent: 100 - percent },
    { deployment: canary, percent },
  ];
}

/** The share that follows `percent`: the next greater step, or all. */
export function nextShare(steps: readonly number[], percent: number): number {
  return steps.find((step) => step > percent) ?? 100;
}

/** What a person's split asks of the two that answer: more of the canary, all for it, or all for the live one. */
export interface PlannedSplit {
  readonly canary: string | null;
  /** The canary's share; 100: it becomes the live one. */
  readonly percent: number;
}

/**
 * What `split` asks for, where `live` and, if there is one, `canary` answer.
 * @throws TerminalError `not-answering` naming a deployment that is neither
 */
export function planSplit(
  split: readonly TrafficShare[],
  live: string | null,
  canary: string | null,
): PlannedSplit {
  const stranger = split.find(
    ({ deployment, percent }) => percent > 0 && deployment !== live && deployment !== canary,
  );
  if (stranger !== undefined)
    throw new TerminalError(
      'not-answering',
      `The deployment ${stranger.deployment} has no revision that answers; ${answering(live, canary)}.`,
      { remedy: 'Deploy its version, or roll back to it.' },
    );
  return { canary, percent: split.find(({ deployment }) => deployment === canary)?.percent ?? 0 };
}

function answering(live: string | null, canary: string | null): string {
  const names = [live, canary].filter((one) => one !== null);
  return names.length === 0 ? 'nothing does' : `${names.join(' and ')} can have a share`;
}
