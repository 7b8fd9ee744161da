import { useState } from 'preact/hooks';
import { updateSourceTable } from '#core/api/sources';
import { MERGE_KEY_TYPES, mergeKeyOf } from '#core/merge-key';
import type { MisfitColumn } from '#core/misfit-policy';
import type { Deletes, LoadMode, SourceTable } from '#core/source';
import { api } from '../../api.ts';
import { Choice } from '../../ui/field.tsx';
import { Failure } from '../../ui/states.tsx';
import { useWork } from '../../use-work.ts';
import { ColumnTicks } from './column-ticks.tsx';
import { MisfitChoices } from './misfit-choices.tsx';
import { LoadTableAgain, type RowChoice, TableChoices } from './table-choices.tsx';

interface LoadProps {
  readonly tenant: string;
  readonly model: string;
  readonly table: SourceTable;
  /** Column types by which new rows may be told; none where the source tells by itself. */
  readonly cursorTypes: readonly string[];
  readonly may: boolean;
}

/** What may be chosen of how a table is loaded. */
interface Chosen extends RowChoice {
  readonly misfits?: MisfitColumn[];
  readonly mode?: LoadMode;
  readonly cursor?: string | null;
  readonly mergeKey?: string[] | null;
  readonly excluded?: string[];
  readonly deletes?: Deletes;
}

const EVERY_ROW = 'every row';
const MODES: readonly (readonly [LoadMode, string])[] = [
  ['replace', 'replaces all rows'],
  ['append', 'adds rows'],
  ['merge', 'replaces rows by key'],
];

const DELETES: readonly (readonly [Deletes, string])[] = [
  ['keep', 'stay'],
  ['mark', 'are left out of data sets'],
];

const SWEEPS: readonly (readonly [string, string])[] = [
  ['0', 'at each load'],
  ['24', 'once a day'],
  ['168', 'once a week'],
];

/** How each load puts the table's rows into the warehouse, with what that needs: a cursor, a key. */
export function TableLoad({ tenant, model, table, cursorTypes, may }: LoadProps) {
  // A table without a key is merged only once one is chosen.
  const [wanted, setWanted] = useState<LoadMode | null>(null);
  const [remarks, setRemarks] = useState<readonly string[]>([]);
  const change = useWork(async (body: Chosen) => {
    const params = { tenant, model, source: table.source, table: table.id };
    setRemarks((await api(updateSourceTable, { params, body })).remarks);
    setWanted(null);
  });
  // Deleted rows are found only where rows are merged: with another choice they are looked for no more.
  const kept: Chosen = table.deletes === 'mark' ? { deletes: 'keep' } : {};
  const mode = wanted ?? table.mode;
  const disabled = !may || change.busy;
  const names = table.columns.map(({ name }) => name);
  const loaded = table.columns.filter(({ name }) => !table.excluded.includes(name));
  const cursors = table.columns.filter(({ type }) => cursorTypes.includes(type)).map(({ name }) => name);
  return (
    <>
      <Choice
        bare
        label={`How ${table.name} is loaded`}
        value={mode}
        options={MODES}
        disabled={disabled}
        onChange={(next) =>
          next === 'merge' && mergeKeyOf(table).length === 0
            ? setWanted(next)
            : change.run({ mode: next, ...kept })
        }
      />
      {table.mode !== 'replace' && cursors.length > 0 && (
        <Choice
          label="New and changed rows are told by"
          value={table.cursor ?? EVERY_ROW}
          options={[
            [EVERY_ROW, 'nothing: every row each time'],
            ...cursors.map((name) => [name, name] as const),
          ]}
          disabled={disabled}
          onChange={(name) =>
            // Where reading begins is a value of the cursor that it was chosen for.
            change.run({
              cursor: name === EVERY_ROW ? null : name,
              ...(table.startFrom === null ? {} : { startFrom: null }),
            })
          }
        />
      )}
      {mode === 'merge' && (
        <ColumnTicks
          key={`key ${mergeKeyOf(table).join('\n')}`}
          title={mergeKeyOf(table).length === 0 ? 'Choose the key' : `Key: ${mergeKeyOf(table).join(', ')}`}
          open={mergeKeyOf(table).length === 0}
          legend="Columns that tell rows apart"
          names={loaded.filter(({ type }) => MERGE_KEY_TYPES.includes(type)).map(({ name }) => name)}
          now={mergeKeyOf(table)}
          verb="Use this key"
          disabled={disabled}
          onChoose={(mergeKey) => change.run({ mode: 'merge', mergeKey })}
        />
      )}
      {table.mode === 'merge' && cursorTypes.length > 0 && (
        <Choice
          label="Rows that the source has no more"
          value={table.deletes}
          options={DELETES}
          disabled={disabled}
          onChange={(deletes) => change.run({ deletes })}
        />
      )}
      {table.mode === 'merge' && table.cursor !== null && table.deletes === 'mark' && (
        <Choice
          label="All keys are read to find them"
          value={String(table.sweepHours)}
          options={
            SWEEPS.some(([hours]) => hours === String(table.sweepHours))
              ? SWEEPS
              : [...SWEEPS, [String(table.sweepHours), `every ${table.sweepHours} hours`]]
          }
          disabled={disabled}
          onChange={(hours) => change.run({ sweepHours: Number(hours) })}
        />
      )}
      <ColumnTicks
        key={`columns ${table.excluded.join('\n')}`}
        title={
          loaded.length === table.columns.length
            ? 'All columns'
            : `${loaded.length} of ${table.columns.length} columns`
        }
        open={false}
        legend="Columns that are loaded"
        names={names}
        now={loaded.map(({ name }) => name)}
        verb="Load these columns"
        disabled={disabled}
        onChoose={(chosen) =>
          change.run({
            excluded: [
              ...names.filter((name) => !chosen.includes(name)),
              // Left out and gone just now: left out still, should they come back.
              ...table.excluded.filter((name) => !names.includes(name)),
            ],
          })
        }
      />
      <TableChoices table={table} disabled={disabled} onChange={change.run} />
      <MisfitChoices table={table} disabled={disabled} onChange={change.run} />
      {remarks.map((remark) => (
        <output key={remark}>{remark}</output>
      ))}
      <LoadTableAgain tenant={tenant} model={model} table={table} />
      {change.error !== null && <Failure error={change.error} />}
    </>
  );
}
