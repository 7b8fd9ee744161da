import type { SourceTable } from '#core/source';
import { Button } from '../../ui/button.tsx';
import { Choice } from '../../ui/field.tsx';
import {
  columnsBefore,
  type Draft,
  nameOf,
  startingWith,
  withJoin,
  withoutTable,
  withTable,
} from './dataset-draft.ts';

interface JoinsFormProps {
  readonly draft: Draft;
  readonly tables: readonly SourceTable[];
  readonly onChange: (draft: Draft) => void;
}

/** Which table holds the order lines, and how the others are found from it. */
export function JoinsForm({ draft, tables, onChange }: JoinsFormProps) {
  const loaded = tables.filter(({ enabled }) => enabled);
  const unused = loaded.filter((table) =>
    draft.tables.every(({ destination }) => destination !== table.destination),
  );
  const first = draft.tables[0];
  const starts = tables.filter((table) => table.enabled || table.destination === first?.destination);
  return (
    <div class="stack">
      <div class="columns few">
        <Choice
          label="Order lines are in"
          value={first?.destination ?? ''}
          options={[
            ...(first === undefined ? [['', 'Choose…'] as const] : []),
            ...starts.map((table) => [table.destination, table.name] as const),
          ]}
          hint="One row for each item of an order."
          onChange={(destination) => onChange(startingWith(draft, destination, tables))}
        />
      </div>
      {draft.joins.length > 0 && (
        <ul class="joins" aria-label="Joined tables">
          {draft.joins.map(({ left, right: { table: alias, column } }) => (
            <li key={alias}>
              <Choice
                bare
                label={`Column that finds ${alias}`}
                value={nameOf(left)}
                options={columnsBefore(draft, alias).map((each) => [nameOf(each), nameOf(each)])}
                onChange={(name) => onChange(withJoin(draft, alias, 'left', name))}
              />
              <span class="quiet">finds</span>
              <Choice
                bare
                label={`Column of ${alias} that is found`}
                value={nameOf({ table: alias, column })}
                options={draft.columns
                  .filter((each) => each.table === alias)
                  .map((each) => [nameOf(each), nameOf(each)])}
                onChange={(name) => onChange(withJoin(draft, alias, 'right', name))}
              />
              <Button
                kind="plain"
                small
                label={`Leave out ${alias}`}
                onClick={() => onChange(withoutTable(draft, alias, tables))}
              >
                Leave out
              </Button>
            </li>
          ))}
        </ul>
      )}
      {unused.length > 0 && first !== undefined && draft.joins.length < 9 && (
        <div class="columns few">
          <Choice
            label="Join another table"
            value=""
            options={[['', 'Choose…'], ...unused.map((table) => [table.destination, table.name] as const)]}
            onChange={(destination) => onChange(withTable(draft, destination, tables))}
          />
        </div>
      )}
    </div>
  );
}
