import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import type { Interval } from '../../../functions/core/metrics.ts';

/** A line of the report that all benchmarks write. */
export interface Result {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly reference: number | null;
  readonly ratio: number | null;
  readonly peakRssMiB: number;
  readonly n: number;
  /** Ends of the 95 % interval, by resampling customers. */
  readonly low?: number;
  readonly high?: number;
}

export const peakRssMiB = () => Math.round(process.resourceUsage().maxRSS / 1024);

/** Writes {bench, machine, results, …more} where a file was asked for. */
export function writeReport(file: string | undefined, results: readonly Result[], more: object = {}): void {
  if (file === undefined) return;
  const machine = `${cpus()[0]?.model ?? 'unknown'} × ${availableParallelism()}, Node ${process.version}`;
  writeFileSync(file, `${JSON.stringify({ bench: 'quality', machine, results, ...more }, null, 2)}\n`);
}

/** A figure between 0 and 1 with its interval, and its ratio to the reference's figure. */
export function figureResult(
  name: string,
  { mean, low, high }: Interval,
  reference: number | null,
  n: number,
): Result {
  const ratio = reference === null || reference === 0 ? null : mean / reference;
  return { name, value: mean, unit: 'share', reference, ratio, peakRssMiB: peakRssMiB(), n, low, high };
}

/** Seconds of something, without a reference. */
export function secondsResult(name: string, value: number, n: number): Result {
  return { name, value, unit: 's', reference: null, ratio: null, peakRssMiB: peakRssMiB(), n };
}

/** Processor seconds of this process since it began: wall-clock depends on what else the machine does, these hardly. */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
