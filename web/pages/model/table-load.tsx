import { useState } from 'preact/hooks';
import { updateSourceTable } from '#core/api/sources';
import { MERGE_KEY_TYPES, mergeKeyOf } from '#core/merge-key';
import type { Deletes, LoadMode, SourceTable } from '#core/source';
import { api } from '../../api.ts';
import { Button } from '../../ui/button.tsx';
import { Choice } from '../../ui/field.tsx';
import { Failure } from '../../ui/states.tsx';
import { useWork } from '../../use-work.ts';

interface LoadProps {
  readonly tenant: string;
  readonly model: string;
  readonly table: SourceTable;
  /** Column types by which new rows may be told; none where the source tells by itself. */
  readonly cursorTypes: readonly string[];
  readonly may: boolean;
}

/** What may be chosen of how a table is loaded. */
interface Chosen {
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

/** How each load puts the table's rows into the warehouse, with what that needs: a cursor, a key. */
export function TableLoad({ tenant, model, table, cursorTypes, may }: LoadProps) {
  // A table without a key is merged only once one is chosen.
  const [wanted, setWanted] = useState<LoadMode | null>(null);
  const change = useWork(async (body: Chosen) => {
    await api(updateSourceTable, { params: { tenant, model, source: table.source, table: table.id }, body });
    setWanted(null);
  });
  // Deleted rows are found only where every row is read and merged: with another choice they are looked for no more.
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
          onChange={(name) => change.run({ cursor: name === EVERY_ROW ? null : name, ...kept })}
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
      {table.mode === 'merge' && table.cursor === null && cursorTypes.length > 0 && (
        <Choice
          label="Rows that the source has no more"
          value={table.deletes}
          options={DELETES}
          disabled={disabled}
          onChange={(deletes) => change.run({ deletes })}
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
      {change.error !== null && <Failure error={change.error} />}
    </>
  );
}

interface TicksProps {
  readonly title: string;
  readonly open: boolean;
  readonly legend: string;
  readonly names: readonly string[];
  /** Those that are chosen now. */
  readonly now: readonly string[];
  readonly verb: string;
  readonly disabled: boolean;
  readonly onChoose: (names: string[]) => void;
}

/** Some of a table's columns, ticked and then taken over together. */
function ColumnTicks({ title, open, legend, names, now, verb, disabled, onChoose }: TicksProps) {
  const [chosen, setChosen] = useState<readonly string[]>(now);
  const isNew = chosen.length !== now.length || chosen.some((name) => !now.includes(name));
  const unavailable = unavailableBecause(chosen, isNew, disabled);
  const toggle = (name: string, isChosen: boolean) =>
    setChosen(isChosen ? [...chosen, name] : chosen.filter((one) => one !== name));
  return (
    <details open={open}>
      <summary>{title}</summary>
      <fieldset class="ticks" disabled={disabled}>
        <legend>{legend}</legend>
        {names.map((name) => (
          <label key={name}>
            <input
              type="checkbox"
              checked={chosen.includes(name)}
              onChange={(event) => toggle(name, event.currentTarget.checked)}
            />
            {name}
          </label>
        ))}
      </fieldset>
      <Button kind="plain" small unavailable={unavailable} onClick={() => onChoose([...chosen])}>
        {verb}
      </Button>
    </details>
  );
}

function unavailableBecause(chosen: readonly string[], isNew: boolean, disabled: boolean): string | null {
  if (disabled) return 'It cannot be changed now.';
  if (chosen.length === 0) return 'Choose at least one column.';
  return isNew ? null : 'Tick or untick a column first.';
}
