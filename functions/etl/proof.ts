/** What was counted while files were written, beside what the warehouse has of them. */
import { type Column, decimalShape, wireTypeOf } from '#core/column';
import { TerminalError } from '#core/errors';
import { KEPT_MEASURES, type Measure, type Proof } from '#core/proof';
import { unscaled } from '#core/sql/figures';
import type { TableTally } from '#core/tally';

/** What was expected and what the warehouse answered (`figuresQuery`), of everything that both sides counted. */
export function measuresOf(
  tally: TableTally,
  row: Readonly<Record<string, unknown>>,
  columns: readonly Column[],
): Measure[] {
  const measures: Measure[] = [
    { what: 'rows', column: null, expected: String(tally.rows), obtained: numeral(row['n'], 0) },
  ];
  if (tally.checksum !== null)
    measures.push({
      what: 'checksum',
      column: null,
      expected: hexadecimal(BigInt(tally.checksum)),
      obtained: hexadecimal(unscaled(row['checksum'] ?? null, 0)),
    });
  for (const [index, { name, ...column }] of columns.entries()) {
    const counted = tally.columns[index];
    if (counted === undefined) continue;
    const nulls = numeral(row[`nulls_${index}`], 0);
    measures.push({ what: 'nulls', column: name, expected: String(counted.nulls), obtained: nulls });
    const sum = row[`sum_${index}`];
    if (sum === undefined || counted.sum === null) continue;
    const decimal = ['NUMERIC', 'BIGNUMERIC'].includes(wireTypeOf(column.type));
    const scale = decimal ? decimalShape({ name, ...column }).scale : 0;
    measures.push({ what: 'sum', column: name, expected: counted.sum, obtained: numeral(sum, scale) });
  }
  return measures;
}

/** A number of the warehouse as the tally has it: a decimal without its point. */
function numeral(value: unknown, scale: number): string {
  return unscaled(value ?? null, scale).toString();
}

/** Sixteen digits. */
export function hexadecimal(value: bigint): string {
  return BigInt.asUintN(64, value).toString(16).padStart(16, '0');
}

/** Whether the warehouse has what was expected. */
function isEqual({ expected, obtained }: Measure): boolean {
  return expected === obtained;
}

/** The proof that is kept with the table. */
export function proofOf(tally: TableTally, measures: readonly Measure[], columns: number): Proof {
  const differing = measures.filter((measure) => !isEqual(measure));
  return {
    stage: 'staged',
    rows: tally.rows,
    columns,
    checksum: tally.checksum === null ? null : hexadecimal(BigInt(tally.checksum)),
    differ: differing.length,
    measured: measures.length,
    measures: [...differing, ...measures.filter(isEqual)].slice(0, KEPT_MEASURES),
  };
}

/** Differences told in a message; all are kept with the table. */
const TOLD = 3;

/** @throws TerminalError `load-mismatch` where a measure differs */
export function checkEqual(name: string, { measures, differ }: Proof): void {
  if (differ === 0) return;
  const told = measures.slice(0, Math.min(TOLD, differ)).map(inWords);
  const more = differ > TOLD ? `; and ${differ - TOLD} more` : '';
  throw new TerminalError(
    'load-mismatch',
    `"${name}" did not arrive as it was read (${told.join('; ')}${more}). Nothing was published.`,
    { remedy: 'Run it again; if it happens again, send the run’s id to support.' },
  );
}

function inWords({ what, column, expected, obtained }: Measure): string {
  const of = column === null ? what : `${what} of "${column}"`;
  return `${of}: ${String(expected)} read, ${String(obtained)} loaded`;
}

/** A publication whose rows in the warehouse are not those that were read: it was taken back before anybody saw it. */
export function publishMismatch(name: string, cause: unknown): TerminalError {
  return new TerminalError(
    'publish-mismatch',
    `The rows of "${name}" in the warehouse would not have been those that were read. Nothing was published.`,
    {
      remedy:
        'See that nobody else writes to the model’s raw tables, and run it again; if it happens again, send the run’s id to support.',
      cause,
    },
  );
}
