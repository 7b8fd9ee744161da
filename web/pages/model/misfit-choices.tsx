import type { MisfitColumn, MisfitForm } from '#core/misfit-policy';
import type { SourceTable } from '#core/source';
import { ColumnTicks } from './column-ticks.tsx';

interface MisfitsProps {
  readonly table: SourceTable;
  readonly disabled: boolean;
  readonly onChange: (choice: { readonly misfits: MisfitColumn[] }) => void;
}

const FORMS: readonly (readonly [MisfitForm, title: string, none: string, legend: string, verb: string])[] = [
  [
    'null',
    'Misfits are empty in',
    'Misfits cost their row',
    'Columns in which a value that does not fit is left empty and counted; in others its row is rejected',
    'Leave these empty',
  ],
  [
    'text',
    'As text',
    'No column as text',
    'Columns that arrive as text whole, whatever their type; the table then changes',
    'Load these as text',
  ],
];

/** What becomes of values that the warehouse's types cannot hold, column by column. */
export function MisfitChoices({ table, disabled, onChange }: MisfitsProps) {
  const { misfits, excluded, cursor, hashed } = table;
  const loaded = table.columns.map(({ name }) => name).filter((name) => !excluded.includes(name));
  return (
    <>
      {FORMS.map(([form, title, none, legend, verb]) => {
        const now = misfits.filter(({ as }) => as === form).map(({ column }) => column);
        const others = misfits.filter(({ as }) => as !== form);
        const possible = loaded.filter(
          (name) =>
            name !== cursor &&
            !others.some(({ column }) => column === name) &&
            (form === 'null' || !hashed.some(({ column }) => column === name)),
        );
        // What is chosen of a column that is left out or gone can be taken back.
        const shown = new Set([...possible, ...now]);
        return (
          <ColumnTicks
            key={`${form} ${now.join('\n')} ${others.map(({ column }) => column).join('\n')}`}
            title={now.length === 0 ? none : `${title}: ${now.join(', ')}`}
            open={false}
            legend={legend}
            names={[...shown]}
            now={now}
            verb={verb}
            least={0}
            disabled={disabled}
            onChoose={(names) =>
              onChange({ misfits: [...others, ...names.map((column) => ({ column, as: form }))] })
            }
          />
        );
      })}
    </>
  );
}
