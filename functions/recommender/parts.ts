import { FEW_IN_PART, MOST_SEGMENTS, type CustomerParts, type PartMetrics } from '#core/metrics';
import { bootstrapDifference } from './bootstrap.ts';
import type { Evaluation } from './evaluate.ts';
import type { Cases } from './split.ts';

/** Names longer than this are cut where they are told: what a database calls a segment may be of any length. */
const LONGEST_NAME = 100;

/** Some of the measured customers: places in `cases.customers`. */
export interface Group extends Pick<PartMetrics, 'kind' | 'name' | 'purchases'> {
  readonly cases: readonly number[];
}

/**
 * The measured customers by segment, those with most of them first, the last of many together; where nothing is known of
 * segments, in thirds by how much they had bought. `isMeasured`: whether the case of that number has a target. Pure.
 */
export function groupCustomers(
  cases: Cases,
  isMeasured: (n: number) => boolean,
): { by: CustomerParts['by']; groups: Group[] } {
  const measured = Array.from(cases.customers.keys()).filter(isMeasured);
  const { segment, segments = [] } = cases.before;
  return segment === undefined
    ? { by: 'activity', groups: byActivity(cases, measured) }
    : {
        by: 'segment',
        groups: bySegment(measured, (n) => segment[cases.customers[n]!] ?? -1, segments),
      };
}

function bySegment(
  measured: readonly number[],
  segmentOf: (n: number) => number,
  names: readonly string[],
): Group[] {
  const members = Map.groupBy(measured, segmentOf);
  const unknown = members.get(-1) ?? [];
  members.delete(-1);
  const largest = [...members].toSorted(([a, ours], [b, theirs]) => theirs.length - ours.length || a - b);
  const rest = largest.slice(MOST_SEGMENTS).flatMap(([, own]) => own);
  const told = largest
    .slice(0, MOST_SEGMENTS)
    .map(([number, own]): Group => ({ kind: 'segment', name: clipped(names[number] ?? ''), cases: own }));
  return [
    ...told,
    ...(rest.length > 0 ? [{ kind: 'others' as const, name: null, cases: rest }] : []),
    ...(unknown.length > 0 ? [{ kind: 'unknown' as const, name: null, cases: unknown }] : []),
  ];
}

function clipped(name: string): string {
  // By characters, so that none is cut in two.
  const letters = Array.from(name.slice(0, 4 * LONGEST_NAME));
  return letters.length <= LONGEST_NAME ? name : `${letters.slice(0, LONGEST_NAME - 1).join('')}…`;
}

/** Thirds by purchases before the window (an item of a basket each); equals stay together, so thirds may be uneven or missing. */
function byActivity(cases: Cases, measured: readonly number[]): Group[] {
  const { indptr, count } = cases.before;
  const purchases = new Map(
    measured.map((n) => {
      const customer = cases.customers[n]!;
      const row = count.subarray(indptr[customer], indptr[customer + 1]);
      return [n, row.reduce((sum, each) => sum + each, 0)];
    }),
  );
  const sorted = [...purchases.values()].toSorted((a, b) => a - b);
  const upTo = (share: number) => sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
  const [light, middle] = [upTo(1 / 3), upTo(2 / 3)];
  const thirds = Map.groupBy(measured, (n) => {
    const made = purchases.get(n)!;
    return made <= light ? 'light' : made <= middle ? 'middle' : 'heavy';
  });
  return (['light', 'middle', 'heavy'] as const).flatMap((kind) => {
    const own = thirds.get(kind);
    if (own === undefined) return [];
    const made = own.map((n) => purchases.get(n)!).sort((a, b) => a - b);
    return [{ kind, name: null, purchases: { least: made[0]!, most: made.at(-1)! }, cases: own }];
  });
}

/** What `measureParts` needs of an evaluation, by case. */
export type Measured = Pick<Evaluation, 'figures' | 'recalls'>;

/**
 * A slot's figures by part of the customers. `theirs`: the baseline's, on the same cases.
 * @param seed of the resampling
 */
export function measureParts(cases: Cases, ours: Measured, theirs: Measured, seed: number): CustomerParts {
  const { by, groups } = groupCustomers(cases, (n) => !Number.isNaN(ours.figures[n]!));
  return {
    by,
    parts: groups.map(({ cases: own, ...told }): PartMetrics => {
      if (own.length < FEW_IN_PART)
        return { ...told, customers: own.length, model: null, baseline: null, lead: null };
      const of = (values: Float32Array) => Float32Array.from(own, (n) => values[n]!);
      const [figures, other] = [of(ours.figures), of(theirs.figures)];
      return {
        ...told,
        customers: own.length,
        model: { ndcg10: mean(figures), recall10: mean(of(ours.recalls)) },
        baseline: { ndcg10: mean(other), recall10: mean(of(theirs.recalls)) },
        lead: bootstrapDifference(figures, other, seed),
      };
    }),
  };
}

function mean(values: Float32Array): number {
  return Math.min(1, values.reduce((sum, value) => sum + value, 0) / values.length);
}
