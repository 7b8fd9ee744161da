import { useState } from 'preact/hooks';
import type { Column } from '#core/column';
import type { RowFilter } from '#core/row-filter';
import { operatorsOf } from '#core/typed-filter';
import { Button } from '../../ui/button.tsx';
import { Choice, Field } from '../../ui/field.tsx';
import {
  emptyLine,
  type FilterLine,
  filterOf,
  filterWords,
  isFlat,
  linesOf,
  onColumn,
  OPERATOR_WORDS,
  type Unit,
  valueKind,
} from './row-filter-draft.ts';

interface FilterProps {
  readonly columns: readonly Column[];
  readonly filter: RowFilter | null;
  readonly disabled: boolean;
  readonly onChoose: (filter: RowFilter | null) => void;
}

const MATCHES = [
  ['all', 'all conditions hold'],
  ['any', 'any condition holds'],
] as const;
const UNITS: readonly (readonly [Unit, string])[] = [
  ['days', 'days'],
  ['weeks', 'weeks'],
  ['months', 'months'],
  ['years', 'years'],
];

/** Conditions on a table's rows, taken over together. */
export function RowFilterForm({ columns, filter, disabled, onChoose }: FilterProps) {
  const [match, setMatch] = useState(filter?.match ?? 'all');
  const [lines, setLines] = useState<readonly FilterLine[]>(linesOf(filter));
  const found = filterOf(match, lines);
  const [first] = columns;
  if (filter !== null && !isFlat(filter))
    return (
      <div class="stack">
        <p class="quiet">
          Rows where {filterWords(filter)}. Groups of conditions and values with commas are changed by the
          API.
        </p>
        <All disabled={disabled} onChoose={onChoose} />
      </div>
    );
  const set = (index: number, line: FilterLine) =>
    setLines(lines.map((one, at) => (at === index ? line : one)));
  const taken = 'filter' in found && JSON.stringify(found.filter) === JSON.stringify(filter);
  return (
    <fieldset class="filter" disabled={disabled}>
      <legend>Load only rows of which</legend>
      {lines.length > 1 && (
        <Choice label="How conditions join" bare value={match} options={MATCHES} onChange={setMatch} />
      )}
      {lines.map((line, index) => (
        <Line
          // The lines have no other name than their place.
          key={index}
          line={line}
          columns={columns}
          number={index + 1}
          onChange={(next) => set(index, next)}
          onRemove={() => setLines(lines.filter((_, at) => at !== index))}
        />
      ))}
      <p class="row">
        {first !== undefined && (
          <Button kind="plain" small onClick={() => setLines([...lines, emptyLine(first)])}>
            Add a condition
          </Button>
        )}
        <Button
          kind="plain"
          small
          unavailable={
            disabled
              ? 'It cannot be changed now.'
              : 'wrong' in found
                ? found.wrong
                : taken
                  ? 'Change it first.'
                  : null
          }
          onClick={() => 'filter' in found && onChoose(found.filter)}
        >
          Load these rows
        </Button>
        {filter !== null && <All disabled={disabled} onChoose={onChoose} />}
      </p>
    </fieldset>
  );
}

function All({ disabled, onChoose }: Pick<FilterProps, 'disabled' | 'onChoose'>) {
  return (
    <Button
      kind="plain"
      small
      unavailable={disabled ? 'It cannot be changed now.' : null}
      onClick={() => onChoose(null)}
    >
      Load all rows
    </Button>
  );
}

interface LineProps {
  readonly line: FilterLine;
  readonly columns: readonly Column[];
  readonly number: number;
  readonly onChange: (line: FilterLine) => void;
  readonly onRemove: () => void;
}

function Line({ line, columns, number, onChange, onRemove }: LineProps) {
  const column = columns.find(({ name }) => name === line.column);
  const type = column?.type ?? 'STRING';
  const kind = valueKind(line.operator, type);
  const operators = operatorsOf(type).map((one) => [one, OPERATOR_WORDS[one]] as const);
  return (
    <div class="filter-line">
      <Choice
        bare
        label={`Column of condition ${number}`}
        value={line.column}
        options={columns.map(({ name }) => [name, name] as const)}
        onChange={(name) => {
          const next = columns.find((one) => one.name === name);
          if (next !== undefined) onChange(onColumn(line, next));
        }}
      />
      <Choice
        bare
        label={`Comparison of condition ${number}`}
        value={line.operator}
        options={operators}
        onChange={(operator) => onChange({ ...line, operator })}
      />
      {kind !== null && (
        <Field
          label={
            line.operator === 'in' || line.operator === 'not-in' ? 'Values, with commas between' : 'Value'
          }
          type={kind === 'number' && line.operator === 'within-last' ? 'number' : 'text'}
          value={line.value}
          maxLength={10_000}
          onInput={(value) => onChange({ ...line, value })}
        />
      )}
      {line.operator === 'within-last' && (
        <Choice
          bare
          label={`Unit of condition ${number}`}
          value={line.unit}
          options={UNITS}
          onChange={(unit) => onChange({ ...line, unit })}
        />
      )}
      <Button kind="plain" small label={`Remove condition ${number}`} onClick={onRemove}>
        Remove
      </Button>
    </div>
  );
}
