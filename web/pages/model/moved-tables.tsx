import { updateSourceTable } from '#core/api/sources';
import type { NewPlace, SourceTable } from '#core/source';
import { api } from '../../api.ts';
import { Button } from '../../ui/button.tsx';
import { counted } from '../../ui/format.ts';
import { Failure } from '../../ui/states.tsx';
import { useWork } from '../../use-work.ts';

interface MovedProps {
  readonly tenant: string;
  readonly model: string;
  /** Tables of one source that a load found at another place: at least one. */
  readonly tables: readonly SourceTable[];
  /** Why nobody here may decide; null: they may. */
  readonly unavailable: string | null;
}

const ANSWERS: readonly (readonly [NewPlace, string, string])[] = [
  ['same', 'The same data: go on', 'goes on'],
  ['other', 'Other data: begin anew', 'begins anew'],
];

/** Asks what is at a source's new place: loads of these tables wait for the answer. */
export function MovedTables({ tenant, model, tables, unavailable }: MovedProps) {
  const decide = useWork(async (moved: NewPlace) => {
    for (const { source, id } of tables)
      await api(updateSourceTable, { params: { tenant, model, source, table: id }, body: { moved } });
  });
  const [first] = tables;
  if (first?.moved == null) return null;
  const { from, to, decision } = first.moved;
  const what = tables.length === 1 ? first.name : counted(tables.length, 'table');
  const decided = tables.length === 1 ? ANSWERS.find(([answer]) => answer === decision) : undefined;
  return (
    <fieldset class="notice">
      <legend class="unseen">New place of {what}</legend>
      {tables.length === 1 ? (
        <p>
          Loaded from <code>{from}</code>, and the source is at <code>{to}</code> now.{' '}
          {decided === undefined
            ? 'Nothing of it is loaded until you say what is there.'
            : `The next load ${decided[2]}, as was decided.`}
        </p>
      ) : (
        <p>
          {what} were loaded from another place than where the source is now. Nothing of them is loaded until
          you say what is there: for all of them here, or for each below.
        </p>
      )}
      <p class="row">
        {ANSWERS.map(([answer, label]) => (
          <Button
            key={answer}
            kind="plain"
            small
            busy={decide.busy}
            unavailable={unavailable ?? (answer === decided?.[0] ? 'This is what was decided.' : null)}
            onClick={() => decide.run(answer)}
          >
            {label}
          </Button>
        ))}
      </p>
      {decide.error !== null && <Failure error={decide.error} />}
    </fieldset>
  );
}
