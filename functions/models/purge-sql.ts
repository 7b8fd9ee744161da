import { quoteTable } from '#core/sql/quote';
import { LEDGER, REJECTS } from '#core/warehouse-name';

/** Tables of the raw dataset that speak of other tables by name. */
export const SPEAKING = [LEDGER, REJECTS] as const;

/** Removes what one of these tables says of raw tables that are gone. Parameter: `@tables`, of `namesInLedger`. */
export function forgetStatement(
  projectId: string,
  dataset: string,
  table: (typeof SPEAKING)[number],
): string {
  return `DELETE FROM ${quoteTable(projectId, dataset, table)} WHERE table_name IN UNNEST(@tables)`;
}

/** The names under which the ledger knows a raw table: its rejects are publications of their own, and looks for deleted rows. */
export function namesInLedger(destination: string): string[] {
  return [destination, `${destination}#rejects`, `${destination}#unfit`, `${destination}#sweep`];
}
