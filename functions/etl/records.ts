/**
 * What the runner's tasks tell each other, in documents under the run. People see `EtlRun` and `EtlTable` (core); these
 * are the work behind them.
 */
import { z } from 'zod';
import { Column } from '#core/column';
import { FailureSchema } from '#core/failure';
import { HashedColumn } from '#core/hashed-column';
import { Id } from '#core/ids';
import { asChosen, MisfitColumn } from '#core/misfit-policy';
import { Deletes, LoadMode } from '#core/source';
import { TableTally } from '#core/tally';
import { TypedFilter } from '#core/typed-filter';
import { inWarehouse } from '#core/warehouse-name';

/**
 * `…/etlRuns/{r}/lease/epoch`: the snapshot of each source that is read now and that every task can read. A new epoch
 * makes the old one's files void.
 */
export const Epoch = z.object({ number: z.int().min(1), snapshots: z.record(z.string(), z.string()) });
export type Epoch = z.infer<typeof Epoch>;

/** As `Transfer` of the connectors: how the warehouse takes a table itself. */
const StoredTransfer = z.object({
  from: z.object({ project: z.string(), dataset: z.string(), table: z.string() }),
  moment: z.number(),
  expressions: z.array(z.string()),
  where: z.string().nullable(),
  limit: z.int().nullable().default(null),
  refusal: z
    .object({ when: z.string(), code: z.string(), message: z.string(), remedy: z.string() })
    .nullable(),
});

/** `…/etlRuns/{r}/plans/{table}`: what the coordinator decided of a table, in its newest epoch. */
export const TablePlan = z.object({
  id: Id,
  source: Id,
  name: z.string(),
  destination: z.string(),
  epoch: z.int(),
  /** Units of work in that epoch. */
  units: z.int(),
  /** Every unit is done: the table's files are complete and are never written again. */
  extracted: z.boolean(),
  /** As the source describes them now, under the source's names. */
  columns: z.array(Column),
  /** Their names in the warehouse, in the same order; empty in plans of before they were kept. */
  names: z.array(z.string()).default([]),
  /** The source's primary key, and columns that are left out by choice: what later loads are compared with. */
  sourceKey: z.array(z.string()).nullable().default(null),
  excluded: z.array(z.string()).default([]),
  /** Columns that are to be left out or hashed, and that the source does not have. */
  absent: z.array(z.string()).default([]),
  /** How the rows go into the raw table: what goes on from no former publication begins by replacing. */
  write: LoadMode,
  /** Merging: the columns that tell rows apart, under the source's names. Empty otherwise. */
  key: z.array(z.string()).default([]),
  /** Merging: what becomes of rows that the source has no more, and the share of rows that may be. */
  deletes: Deletes.default('keep'),
  deleteLimit: z.number().default(1),
  /** What tells deleted rows: all rows that came, the keys of all rows (in units of their own), or nothing. */
  marks: z.enum(['rows', 'keys', 'none']).default('rows'),
  /** Which rows are read; null: all. */
  filter: TypedFilter.nullable().default(null),
  /** At most so many; null: all. */
  limit: z.int().nullable().default(null),
  /** Columns that arrive hashed, under the source's names. */
  hashed: z.array(HashedColumn).default([]),
  /** Values of its columns are kept and shown nowhere but in the raw table: some are to be hashed, be they there or not. */
  hides: z.boolean().default(false),
  /** Adding rows: those that are there from this value of this column (the source's name) on make place; null: none. */
  replaced: z.object({ column: z.string(), value: z.string() }).nullable().default(null),
  /** There is nothing to read, so nothing is published: what is in the raw table stays. */
  nothing: z.boolean(),
  /** The run of the publication that this plan goes on from (or replaces); '' where there was none. */
  lastRun: z.string(),
  /** What the watermark belongs to; null where there is none. */
  cursor: z.string().nullable(),
  watermark: z.string().nullable(),
  rejectLimit: z.number(),
  /** Columns whose misfits cost no row, under the source's names. */
  misfits: z.array(MisfitColumn).default([]),
  /** Where its rows are read, as the ledger keeps it. */
  place: z.string().default(''),
  /** Nothing of it is settled: it is published only where it has rows, and the next load begins anew. */
  unsettled: z.boolean().default(false),
  /** Its columns after this load, as the ledger keeps them (`column-set.ts`); '' in plans of before they were kept. */
  columnSet: z.string().default(''),
  /** Columns of the raw table that former loads brought and this one does not; some are null in every row from now on. */
  gone: z.array(z.string()).default([]),
  cleared: z.array(z.string()).default([]),
  /** What people should know of this load. */
  notes: z.array(z.string()).default([]),
  /** Why no file of it is loaded as it is, though files of its kind may be; null where nothing of the choice forbids it. */
  written: z.string().nullable().default(null),
  /** The warehouse takes the rows itself, and there are no units; null where they are extracted. */
  transfer: StoredTransfer.nullable().default(null),
});
export type TablePlan = z.infer<typeof TablePlan>;

/** The plan's columns as they arrive, under their names in the warehouse. */
export function plannedColumns({ columns, names, ...chosen }: TablePlan): Column[] {
  if (names.length === 0) return inWarehouse(columns);
  return asChosen(columns, chosen).map((column, index) => ({ ...column, name: names[index] ?? column.name }));
}

/** Whether values of the table may be kept and shown nowhere but in its raw table. */
export function hidesValues({ hides, hashed }: Pick<TablePlan, 'hides' | 'hashed'>): boolean {
  return hides || hashed.length > 0;
}

const PlainValue = z.union([z.string(), z.number(), z.boolean(), z.null()]);

/** Those of them that tell rows apart, in the order of the key; empty where nothing does. */
export function plannedKey(plan: TablePlan): Column[] {
  const columns = plannedColumns(plan);
  return plan.key.flatMap((name) => columns[plan.columns.findIndex((one) => one.name === name)] ?? []);
}

/** The same under the source's names. */
export function keyColumns({ key, columns }: TablePlan): Column[] {
  return key.flatMap((name) => columns.find((one) => one.name === name) ?? []);
}

/**
 * `…/etlRuns/{r}/units/{u}`: one chunk of a table, claimed by one task at a time. `reserved`: only the task whose session
 * holds the snapshot can read it; it is that task's from the beginning, and no other looks at it.
 */
export const UnitRecord = z.object({
  epoch: z.int(),
  table: Id,
  source: Id,
  number: z.int(),
  unit: z.object({
    id: z.string(),
    table: z.string(),
    part: z.record(z.string(), PlainValue),
    estimatedRows: z.number().nullable(),
    estimatedBytes: z.number().nullable(),
    /** As the connector says it: the unit's rows are those of this object, which may be loaded as it is. */
    object: z.object({ uri: z.string(), generation: z.string(), bytes: z.number() }).optional(),
    written: z.string().optional(),
  }),
  /** Only the columns of the key are read, of all rows. */
  keysOnly: z.boolean().default(false),
  status: z.enum(['pending', 'reserved', 'claimed', 'done', 'failed']),
  holder: z.string().nullable(),
  /** When the claim ends unless renewed, in milliseconds since the epoch. */
  expiresAt: z.number(),
  attempts: z.int(),
  /** Given back after a failure: nobody takes it before, in milliseconds since the epoch. */
  notBefore: z.number(),
  /** `<epoch>:<moment>` once done or failed: one range query finds what is new. */
  settled: z.string().nullable(),
  uri: z.string().nullable(),
  /** What is at `uri` is a copy of `unit.object`, every value of which was seen to fit. */
  asItIs: z.boolean().default(false),
  /** BigQuery would not load it as it is, or not as it was read: so it was written anew after all. */
  refused: z.string().nullable().default(null),
  /** That it took to be read, in seconds; null in records of before. */
  seconds: z.number().nullable().default(null),
  rejectsUri: z.string().nullable(),
  tally: TableTally.nullable(),
  rejected: z.record(z.string(), z.number()),
  /** Values in whose place null or text came, by reason; left out where none. */
  misfits: z.record(z.string(), z.number()).optional(),
  failure: FailureSchema.nullable(),
});
export type UnitRecord = z.infer<typeof UnitRecord>;

/** Document id of a unit: sorts by epoch, table in order of planning, number. */
export function unitId(epoch: number, tableIndex: number, number: number): string {
  const pad = (value: number, digits: number) => String(value).padStart(digits, '0');
  return `e${pad(epoch, 4)}t${pad(tableIndex, 4)}u${pad(number, 6)}`;
}

/** The `settled` mark of an epoch's unit at `moment`; epochs sort first. */
export function settledMark(epoch: number, moment: string): string {
  return `${String(epoch).padStart(4, '0')}:${moment}`;
}

/** The moment of a settled mark; '' for none. */
export function momentOf(mark: string | null): string {
  return mark?.slice(mark.indexOf(':') + 1) ?? '';
}
