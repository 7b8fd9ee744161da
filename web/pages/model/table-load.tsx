import { useState } from 'preact/hooks';
import { updateSourceTable } from '#core/api/sources';
import { MERGE_KEY_TYPES, mergeKeyOf } from '#core/merge-key';
import type { LoadMode, SourceTable } from '#core/source';
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
}

const EVERY_ROW = 'every row';
const MODES: readonly (readonly [LoadMode, string])[] = [
  ['replace', 'replaces all rows'],
  ['append', 'adds rows'],
  ['merge', 'replaces rows by key'],
];

/** How each load puts the table's rows into the warehouse, with what that needs: a cursor, a key. */
export function TableLoad({ tenant, model, table, cursorTypes, may }: LoadProps) {
  // A table without a key is merged only once one is chosen.
  const [wanted, setWanted] = useState<LoadMode | null>(null);
  const change = useWork(async (body: Chosen) => {
    await api(updateSourceTable, { params: { tenant, model, source: table.source, table: table.id }, body });
    setWanted(null);
  });
  const mode = wanted ?? table.mode;
  const disabled = !may || change.busy;
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
          next === 'merge' && mergeKeyOf(table).length === 0 ? setWanted(next) : change.run({ mode: next })
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
          onChange={(name) => change.run({ cursor: name === EVERY_ROW ? null : name })}
        />
      )}
      {mode === 'merge' && (
        <KeyChoice
          key={table.mergeKey?.join('\n')}
          table={table}
          disabled={disabled}
          onChoose={(mergeKey) => change.run({ mode: 'merge', mergeKey })}
        />
      )}
      {change.error !== null && <Failure error={change.error} />}
    </>
  );
}

/** The columns that tell rows apart: the primary key until others are chosen. */
function KeyChoice(props: {
  readonly table: SourceTable;
  readonly disabled: boolean;
  readonly onChoose: (key: string[]) => void;
}) {
  const { table, disabled } = props;
  const now = mergeKeyOf(table);
  const [chosen, setChosen] = useState<readonly string[]>(now);
  const fitting = table.columns.filter(({ type }) => MERGE_KEY_TYPES.includes(type));
  const isNew = chosen.length !== now.length || chosen.some((name) => !now.includes(name));
  const unavailable =
    chosen.length === 0 ? 'Choose at least one column.' : isNew && !disabled ? null : 'This is the key now.';
  const toggle = (name: string, isChosen: boolean) =>
    setChosen(isChosen ? [...chosen, name] : chosen.filter((one) => one !== name));
  return (
    <details open={now.length === 0}>
      <summary>{now.length === 0 ? 'Choose the key' : `Key: ${now.join(', ')}`}</summary>
      <fieldset class="ticks" disabled={disabled}>
        <legend>Columns that tell rows apart</legend>
        {fitting.map(({ name }) => (
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
      <Button kind="plain" small unavailable={unavailable} onClick={() => props.onChoose([...chosen])}>
        Use this key
      </Button>
    </details>
  );
}
