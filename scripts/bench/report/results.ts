/** What the recommender's benchmarks found and how it is written. */
import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';

/** One line of a report: `ratio` is ours to the reference, in the direction the name says (…-rate higher, …-seconds lower is better). */
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

/** The most memory that this process has held. */
export const peakRssMiB = () => Math.round(process.resourceUsage().maxRSS / 1024);

/** Processor seconds of this process since it began: wall-clock depends on what else the machine does, these hardly. */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** A figure of this process; without a ratio where the reference is none or 0. */
export function makeResult(
  name: string,
  unit: string,
  n: number,
  value: number,
  reference: number | null = null,
  peak = peakRssMiB(),
): Result {
  const ratio = reference === null || reference === 0 ? null : value / reference;
  return { name, value, unit, reference, ratio, peakRssMiB: peak, n };
}

/** Writes {bench, machine, results, …more} where a file was asked for. */
export function writeReport(
  bench: string,
  file: string | undefined,
  results: readonly Result[],
  more: object = {},
): void {
  if (file === undefined) return;
  const machine = `${cpus()[0]?.model ?? 'unknown'} × ${availableParallelism()}, Node ${process.version}`;
  writeFileSync(file, `${JSON.stringify({ bench, machine, results, ...more }, null, 2)}\n`);
}
