/** What a benchmark found, how it is told and written; medians. */
import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';

/** One figure. `ratio` is ours to the reference, in the direction that the name says. */
export interface Finding {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly reference: { readonly name: string; readonly value: number } | null;
  readonly ratio: number | null;
  readonly peakRssMiB: number;
  readonly n: number;
}

/** The middle value; of an even number the mean of both. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** A number to two decimals. */
export function round(value: number): number {
  return Math.round(value * 100) / 100;
}

/** Prints the figures as a table. */
export function show(findings: readonly Finding[]): void {
  console.table(
    Object.fromEntries(
      findings.map(({ name, value, unit, reference, ratio, peakRssMiB }) => [
        name,
        { value, unit, reference: reference?.value, of: reference?.name, ratio, 'peak MiB': peakRssMiB },
      ]),
    ),
  );
}

/** Writes `file` as every benchmark does. */
export async function report(bench: string, findings: readonly Finding[], file: string): Promise<void> {
  const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, node: process.version };
  await writeFile(file, `${JSON.stringify({ bench, machine, results: findings }, null, 2)}\n`);
}
