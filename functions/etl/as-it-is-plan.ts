/** Which files are loaded as they are, as far as the choice of what is loaded tells, and what people are told of it: pure. */
import type { Unit } from '#connectors/connector';
import type { Column } from '#core/column';
import type { EtlTable, LoadedAsIs } from '#core/etl-run';
import type { HashedColumn } from '#core/hashed-column';
import type { MisfitColumn } from '#core/misfit-policy';
import type { TypedFilter } from '#core/typed-filter';
import type { LoadedColumn } from '#core/warehouse-name';
import type { TablePlan, UnitRecord } from './records.ts';

/** What is chosen of a table, and what was found when it was loaded before. */
export interface FileChoice {
  readonly filter: TypedFilter | null;
  readonly limit: number | null;
  readonly hashed: readonly HashedColumn[];
  readonly misfits: readonly MisfitColumn[];
  readonly described: readonly Column[];
  readonly loaded: readonly LoadedColumn[];
  readonly former: readonly Pick<EtlTable, 'asItIs'>[];
}

/** Why files of such a choice are written anew, as the rest of a sentence; null where each may be loaded as it is. */
export function whyWritten(choice: FileChoice): string | null {
  const { filter, limit, hashed, misfits, described, loaded, former } = choice;
  if (filter !== null) return 'only some of its rows are loaded';
  if (limit !== null) return 'a sample of it is loaded';
  if (hashed.length > 0) return 'columns of it arrive as hashes';
  if (misfits.some(({ as }) => as === 'text')) return 'columns of it arrive as text';
  if (loaded.length < described.length) return 'columns of it are left out';
  const renamed = loaded.find(({ column, name }) => column.name !== name);
  if (renamed !== undefined)
    return `its column "${renamed.column.name.slice(0, 100)}" is called "${renamed.name}" in BigQuery`;
  // Those loads are forgotten one by one, and then it is tried again.
  const refused = former.find(({ asItIs }) => (asItIs?.refused ?? null) !== null);
  return refused === undefined ? null : 'BigQuery did not take it as it is before';
}

/** What the run's log says of a table's plan. */
export function toldOfPlan(
  units: readonly Pick<Unit, 'object' | 'written'>[],
  written: string | null,
): { readonly asItIs?: number; readonly written?: string } {
  const whole = units.filter(({ object }) => object !== undefined).length;
  const why = written ?? units.find((unit) => unit.written !== undefined)?.written ?? null;
  return { ...(whole === 0 ? {} : { asItIs: whole }), ...(why === null ? {} : { written: why }) };
}

/** What became of a table's files; null where they are of a kind that is never loaded as it is. */
export function loadedAsIs(
  { written }: Pick<TablePlan, 'written'>,
  units: readonly Pick<UnitRecord, 'unit' | 'asItIs' | 'refused'>[],
): LoadedAsIs | null {
  const reasons = units.flatMap(({ unit }) => (unit.written === undefined ? [] : [unit.written]));
  const couldBe =
    written !== null || reasons.length > 0 || units.some(({ unit }) => unit.object !== undefined);
  if (!couldBe || units.length === 0) return null;
  const files = units.filter(({ asItIs }) => asItIs).length;
  const refused = units.find((unit) => unit.refused !== null)?.refused ?? null;
  const why = files === units.length || refused !== null ? null : (written ?? reasons[0] ?? UNFIT);
  return { files, written: units.length - files, why, refused };
}

const UNFIT = 'it has values that do not fit';
