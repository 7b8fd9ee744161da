import { z } from 'zod';
import type { CanarySettings } from './canary.ts';
import type { Failure } from './errors.ts';
import { Moment } from './ids.ts';

/*
 * What a deployed revision says of itself. Each instance counts its own answers and writes them to its own document,
 * `…/deployments/{d}/health/{instance}`, every few seconds; nobody shares a counter. Counts only grow, so what happened
 * since a moment is the sum over all instances now, less the sum as it was then.
 */

/** Upper edges of the latency histogram in milliseconds; one more bucket holds what took longer. Each about 1.3 times the last. */
export const LATENCY_EDGES_MS = [
  1, 2, 3, 5, 7, 10, 14, 20, 28, 40, 56, 80, 110, 150, 200, 270, 350, 450, 600, 800, 1_100, 1_500, 2_000,
  2_800, 4_000, 5_600, 8_000, 11_000, 16_000, 22_000, 30_000,
] as const;

/** Answers counted: all of them, those with status 5xx, and how long they took by bucket. */
export const AnswerCounts = z.object({
  requests: z.int().min(0),
  errors: z.int().min(0),
  /** Answers by latency bucket: one more than there are edges. */
  latency: z.array(z.int().min(0)).length(LATENCY_EDGES_MS.length + 1),
});
export type AnswerCounts = z.infer<typeof AnswerCounts>;

/** One instance's own account. */
export const InstanceHealth = AnswerCounts.extend({
  instance: z.string(),
  revision: z.string(),
  startedAt: Moment,
  at: Moment,
  /** `ended`: it was told to end and did. One that crashed never says so. */
  state: z.enum(['up', 'ended']),
});
export type InstanceHealth = z.infer<typeof InstanceHealth>;

/** All instances of a revision together. */
export const RevisionHealth = AnswerCounts.extend({
  /** Instances that have started, and those of them that ended in order. */
  started: z.int().min(0),
  ended: z.int().min(0),
});
export type RevisionHealth = z.infer<typeof RevisionHealth>;

/** No answer yet. */
export function noAnswers(): AnswerCounts {
  return { requests: 0, errors: 0, latency: Array.from({ length: LATENCY_EDGES_MS.length + 1 }, () => 0) };
}

/** A revision of which nothing is known yet. */
export function noHealth(): RevisionHealth {
  return { ...noAnswers(), started: 0, ended: 0 };
}

/** Adds one answer to `counts`. */
export function countAnswer(counts: AnswerCounts, status: number, milliseconds: number): void {
  counts.requests += 1;
  if (status >= 500) counts.errors += 1;
  const found = LATENCY_EDGES_MS.findIndex((edge) => milliseconds <= edge);
  const bucket = found < 0 ? LATENCY_EDGES_MS.length : found;
  counts.latency[bucket] = (counts.latency[bucket] ?? 0) + 1;
}

/** What the instances of a revision have counted together. */
export function sumHealth(instances: readonly InstanceHealth[]): RevisionHealth {
  const sum = instances.reduce<AnswerCounts>((total, one) => combine(total, one, 1), noAnswers());
  return {
    ...sum,
    started: instances.length,
    ended: instances.filter(({ state }) => state === 'ended').length,
  };
}

/** What has come since `before`. Never negative: an account that has gone since is as if it had not been. */
export function healthSince(before: RevisionHealth, now: RevisionHealth): RevisionHealth {
  return {
    ...combine(now, before, -1),
    started: Math.max(0, now.started - before.started),
    ended: Math.max(0, now.ended - before.ended),
  };
}

function combine(a: AnswerCounts, b: AnswerCounts, sign: 1 | -1): AnswerCounts {
  return {
    requests: Math.max(0, a.requests + sign * b.requests),
    errors: Math.max(0, a.errors + sign * b.errors),
    latency: a.latency.map((count, bucket) => Math.max(0, count + sign * (b.latency[bucket] ?? 0))),
  };
}

/**
 * The milliseconds within which `share` (0 to 1) of the answers were made: the upper edge of their bucket, so it is never
 * too low and at most a third too high. Infinity past the last edge; null where there is no answer.
 */
export function latencyWithin(counts: AnswerCounts, share: number): number | null {
  const total = counts.latency.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  let left = Math.ceil(total * share);
  for (const [bucket, count] of counts.latency.entries()) {
    left -= count;
    if (left <= 0) return LATENCY_EDGES_MS[bucket] ?? Number.POSITIVE_INFINITY;
  }
  return Number.POSITIVE_INFINITY;
}

/**
 * Why a revision must lose its share, naming figure and limit; null while it does well, or too little is known. `health`:
 * what it did since it has the share. More starts than there may be instances at once can only be crashes.
 */
export function judgeHealth(
  health: RevisionHealth,
  limits: CanarySettings,
  maxInstances: number,
): Failure | null {
  const restarts = health.started - health.ended - maxInstances;
  if (restarts > 0)
    return {
      code: 'revision-crashing',
      message: `The revision keeps crashing: ${health.started} instances were started and only ${health.ended} ended in order, of at most ${maxInstances} at once.`,
      remedy: 'See the last lines of its log.',
    };
  if (health.requests < limits.minRequests) return null;
  const share = health.errors / health.requests;
  if (share > limits.maxErrorShare)
    return {
      code: 'canary-errors',
      message: `${health.errors} of ${health.requests} answers failed: ${percent(share)} %, where ${percent(limits.maxErrorShare)} % is the limit.`,
      remedy: 'See the last lines of its log; deploy a version that answers.',
    };
  const p95 = latencyWithin(health, 0.95) ?? 0;
  if (p95 > limits.maxLatencyMs)
    return {
      code: 'canary-slow',
      message: `95 of 100 answers took up to ${Number.isFinite(p95) ? p95 : `more than ${LATENCY_EDGES_MS.at(-1)}`} ms, where ${limits.maxLatencyMs} ms is the limit (${health.requests} answers).`,
      remedy: 'Give it more instances or less concurrency, or raise the limit maxLatencyMs.',
    };
  return null;
}

function percent(share: number): string {
  return (share * 100).toFixed(1).replace(/\.0$/, '');
}
