import type { Amounts } from './usage.ts';

/*
 * What things cost, for estimates that are shown before and after a run: never for invoices. US dollars, list prices
 * without discounts or free tiers, rounded up so that an estimate is rather too high than too low. Kept here and not asked
 * for, so that a preflight needs no billing access; look at them once a year.
 */

/** When the prices below were last looked at, and where. */
export const PRICES_AS_OF =
  'list prices of 2026 (cloud.google.com/bigquery/pricing, /vertex-ai/pricing), rounded up';

/** BigQuery on demand, for each TiB read. */
export const DOLLARS_PER_TIB_SCANNED = 6.25;

/** A training machine for an hour, its disk included. */
export const DOLLARS_PER_HOUR: Readonly<Record<'n1-standard-8', number>> = { 'n1-standard-8': 0.5 };

const TIB = 2 ** 40;

/** What reading so many bytes costs. */
export function scanCost(bytes: number): number {
  return (bytes / TIB) * DOLLARS_PER_TIB_SCANNED;
}

/** What a training machine costs for so many seconds. */
export function trainingCost(seconds: number, machine: keyof typeof DOLLARS_PER_HOUR): number {
  return (seconds / 3600) * DOLLARS_PER_HOUR[machine];
}

/** The estimated cost of a pipeline run that has used these amounts. */
export function pipelineCost(
  { bytesScanned, trainingSeconds }: Pick<Amounts, 'bytesScanned' | 'trainingSeconds'>,
  machine: keyof typeof DOLLARS_PER_HOUR,
): number {
  return scanCost(bytesScanned) + trainingCost(trainingSeconds, machine);
}

/** A container of the ETL runner (2 vCPU, 1 GiB) for an hour, on Cloud Run. */
export const DOLLARS_PER_RUNNER_HOUR = 0.19;

/** The estimated cost of an ETL run whose containers worked for so many seconds. Loads themselves are free. */
export function etlCost(containerSeconds: number): number {
  return (containerSeconds / 3600) * DOLLARS_PER_RUNNER_HOUR;
}
