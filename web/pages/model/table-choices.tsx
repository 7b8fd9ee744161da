import { useState } from 'preact/hooks';
import { startEtl } from '#core/api/etl';
import type { LoadAgain } from '#core/etl-run';
import type { HashedColumn, HashForm } from '#core/hashed-column';
import type { RowFilter } from '#core/row-filter';
import type { SourceTable } from '#core/source';
import { api } from '../../api.ts';
import { allowed } from '../../session.ts';
import { Button } from '../../ui/button.tsx';
import { Choice, Field } from '../../ui/field.tsx';
import { count } from '../../ui/format.ts';
import { Failure } from '../../ui/states.tsx';
import { useWork } from '../../use-work.ts';
import { ColumnTicks } from './column-ticks.tsx';
import { filterWords } from './row-filter-draft.ts';
import { RowFilterForm } from './row-filter-form.tsx';

/** What may be chosen of a table's rows and of how its columns arrive. */
export interface RowChoice {
  readonly filter?: RowFilter | null;
  readonly rowLimit?: number | null;
  readonly startFrom?: string | null;
  readonly sweepHours?: number;
  readonly hashed?: HashedColumn[];
}

interface ChoicesProps {
  readonly table: SourceTable;
  readonly disabled: boolean;
  readonly onChange: (choice: RowChoice) => void;
}

const FORMS: readonly (readonly [HashForm, string])[] = [
  ['exact', 'as they are'],
  ['folded', 'without spaces around them and in small letters'],
];

/** Which rows of a table are loaded, and which columns arrive only as hashes. */
export function TableChoices({ table, disabled, onChange }: ChoicesProps) {
  const { filter, rowLimit, startFrom, hashed } = table;
  const loaded = table.columns.filter(({ name }) => !table.excluded.includes(name));
  const usual: HashForm = hashed.some((one) => one.form === 'folded') ? 'folded' : 'exact';
  const [form, setForm] = useState<HashForm>(usual);
  const followed = table.mode !== 'replace' && table.cursor !== null;
  const rows = [
    ...(filter === null ? [] : [filterWords(filter)]),
    ...(followed && startFrom !== null ? [`from ${startFrom} on`] : []),
    ...(rowLimit === null ? [] : [`a sample of ${count(rowLimit)}`]),
  ];
  const formOf = (name: string): HashForm => {
    const before = hashed.find(({ column }) => column === name)?.form;
    const type = table.columns.find((one) => one.name === name)?.type;
    // Those that are hashed keep their form until another is chosen; so do columns that are gone.
    if (before !== undefined && (form === usual || type === undefined)) return before;
    return type === 'STRING' ? form : 'exact';
  };
  // One that is left out or gone can be hashed no more, too.
  const hashable = new Set([...loaded.map(({ name }) => name), ...hashed.map(({ column }) => column)]);
  return (
    <>
      <details>
        <summary>{rows.length === 0 ? 'All rows' : `Rows: ${rows.join('; ')}`}</summary>
        <div class="stack">
          <RowFilterForm
            key={JSON.stringify(filter)}
            columns={table.columns}
            filter={filter}
            disabled={disabled}
            onChoose={(chosen) => onChange({ filter: chosen })}
          />
          {followed && (
            <OneValue
              key={`from ${startFrom}`}
              label={`Read from this ${table.cursor} on`}
              hint="A date such as 2024-01-31, or a number; empty: all of history. Another value begins the table anew."
              now={startFrom === null ? '' : String(startFrom)}
              disabled={disabled}
              onChoose={(text) => onChange({ startFrom: text === '' ? null : text })}
            />
          )}
          <OneValue
            key={`limit ${rowLimit}`}
            label="At most so many rows"
            hint="A sample for trying out, replaced at each load; empty: all rows."
            type="number"
            now={rowLimit === null ? '' : String(rowLimit)}
            disabled={disabled}
            onChoose={(text) => onChange({ rowLimit: text === '' ? null : Number(text) })}
          />
        </div>
      </details>
      <ColumnTicks
        key={`hashed ${hashed.map(({ column }) => column).join('\n')}`}
        title={
          hashed.length === 0
            ? 'No column hashed'
            : `Hashed: ${hashed.map(({ column }) => column).join(', ')}`
        }
        open={false}
        legend="Columns of personal data, of which only keyed hashes arrive"
        names={[...hashable].filter((name) => name !== table.cursor)}
        now={hashed.map(({ column }) => column)}
        verb="Hash these columns"
        least={0}
        changed={hashed.some(({ column, form: before }) => before !== formOf(column))}
        disabled={disabled}
        onChoose={(names) => onChange({ hashed: names.map((column) => ({ column, form: formOf(column) })) })}
      >
        <Choice
          label="Texts are hashed"
          value={form}
          options={FORMS}
          disabled={disabled}
          onChange={setForm}
        />
      </ColumnTicks>
    </>
  );
}

interface ValueProps {
  readonly label: string;
  readonly hint: string;
  readonly type?: 'number';
  readonly now: string;
  readonly disabled: boolean;
  readonly onChoose: (text: string) => void;
}

function OneValue({ label, hint, type, now, disabled, onChoose }: ValueProps) {
  const [text, setText] = useState(now);
  return (
    <div>
      <Field
        label={label}
        hint={hint}
        value={text}
        onInput={setText}
        {...(type === undefined ? { maxLength: 40 } : { type, min: 1 })}
      />
      <Button
        kind="plain"
        small
        label={`Use: ${label}`}
        unavailable={disabled ? 'It cannot be changed now.' : text.trim() === now ? 'Change it first.' : null}
        onClick={() => onChoose(text.trim())}
      >
        Use
      </Button>
    </div>
  );
}

interface AgainProps {
  readonly tenant: string;
  readonly model: string;
  readonly table: SourceTable;
}

/** Loads one table once more: all of it, or from a value of its cursor on. */
export function LoadTableAgain({ tenant, model, table }: AgainProps) {
  const [from, setFrom] = useState('');
  const [begun, setBegun] = useState(false);
  const start = useWork(async (again: LoadAgain) => {
    await api(startEtl, { params: { tenant, model }, body: { tables: [table.id], again } });
    setBegun(true);
  });
  const unavailable = !allowed(tenant, 'run')
    ? 'Your role does not start loads.'
    : table.enabled
      ? null
      : 'Choose the table to be loaded first.';
  const inParts = table.mode !== 'replace' && table.cursor !== null && table.rowLimit === null;
  return (
    <details>
      <summary>Load again</summary>
      <div class="stack">
        <p class="quiet">This table alone is read from its beginning and takes the place of what is there.</p>
        <Button
          kind="plain"
          small
          busy={start.busy}
          unavailable={unavailable}
          label={`Load anew: ${table.name}`}
          onClick={() => start.run({ anew: true })}
        >
          Load anew
        </Button>
        {inParts && (
          <>
            <Field
              label={`Or from this ${table.cursor} on`}
              hint="A date such as 2024-01-31, or a number."
              value={from}
              maxLength={40}
              onInput={setFrom}
            />
            <Button
              kind="plain"
              small
              busy={start.busy}
              unavailable={unavailable ?? (from.trim() === '' ? 'Say from where on.' : null)}
              label={`Load again from there: ${table.name}`}
              onClick={() => start.run({ from: from.trim() })}
            >
              Load again from there
            </Button>
          </>
        )}
        {begun && start.error === null && <output>The load has begun.</output>}
        {start.error !== null && <Failure error={start.error} />}
      </div>
    </details>
  );
}
