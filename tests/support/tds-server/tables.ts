/** Tables of the database in memory, and whole answers about them. */
import type { WireColumn, WireType } from './columns.ts';
import type { AnswerPart } from './session.ts';
import type { ServerError } from './tokens.ts';

/** A column of a table; its type by the catalogue's name (`timestamp` for rowversion). */
export interface TestColumn {
  readonly name: string;
  readonly type: string;
  /** Characters or bytes; −1: max. */
  readonly length?: number;
  readonly precision?: number;
  readonly scale?: number;
  readonly nullable?: boolean;
  readonly encrypted?: boolean;
  readonly masked?: boolean;
  readonly hidden?: boolean;
}

export interface TestTable {
  readonly schema: string;
  readonly name: string;
  readonly kind?: 'table' | 'view';
  readonly columns: readonly TestColumn[];
  readonly key?: readonly string[];
  /** What the catalogue says it takes. */
  readonly bytes?: number;
  readonly comment?: string;
  /** Users that may read it; everybody where left out. */
  readonly readers?: readonly string[];
}

/** A row with the versions of the database in which it is there. */
export interface VersionedRow {
  readonly values: readonly unknown[];
  readonly from: number;
  to: number;
}

export interface StoredTable extends TestTable {
  readonly id: number;
  rows: VersionedRow[];
}

/** An error that a statement ends with. */
export class SqlFailure extends Error {
  readonly said: ServerError;
  constructor(said: ServerError) {
    super(said.message);
    this.said = said;
  }
}

export function failure(number: number, message: string): SqlFailure {
  return new SqlFailure({ number, message });
}

export function rowversionText(value: bigint): string {
  return `0x${value.toString(16).toUpperCase().padStart(16, '0')}`;
}

type Heading = readonly [name: string, type: WireType];

/** A whole answer of plain columns. */
export function* table(
  headings: readonly Heading[],
  rows: Iterable<readonly unknown[]>,
): Iterable<AnswerPart> {
  const wire = headings.map(([name, type]): WireColumn => ({ name, type, length: 4000 }));
  yield { columns: wire };
  for (const row of rows) yield { row };
}
