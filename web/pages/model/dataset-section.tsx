import { useEffect, useState } from 'preact/hooks';
import { createDataset, previewDataset, replaceDataset } from '#core/api/datasets';
import { allOf } from '#core/api/client';
import { listSourceTables } from '#core/api/sources';
import type { Cleaning, Dataset, DatasetDefinition } from '#core/dataset';
import { guessDataset } from '#core/guess-dataset';
import type { Role } from '#core/guess-roles';
import type { Source, SourceTable } from '#core/source';
import { api } from '../../api.ts';
import { valueOf } from '../../live.ts';
import { to } from '../../paths.ts';
import { allowed } from '../../session.ts';
import { Button } from '../../ui/button.tsx';
import { bytes, counted } from '../../ui/format.ts';
import { Panel } from '../../ui/panel.tsx';
import { Scroll } from '../../ui/scroll.tsx';
import { Empty, Failure, Shown } from '../../ui/states.tsx';
import { useAnswer, useWork } from '../../use-work.ts';
import { CleaningForm } from './cleaning-form.tsx';
import { draftFrom, draftOf, definitionFrom, type Draft, ROLES } from './dataset-draft.ts';
import type { ModelState } from './facts.ts';
import { JoinsForm } from './joins-form.tsx';
import { READ_ONLY } from './sources-section.tsx';
import { RolesForm } from './roles-form.tsx';

/** Which columns mean what: guessed from names and types, corrected by a person, saved as the data set. */
export function DatasetSection({ state }: { readonly state: ModelState }) {
  const sources = valueOf(state.sources, []);
  const tables = useAnswer(
    state.sources.state === 'ready' ? sources.map(({ id }) => id).join() : null,
    (signal) => tablesOf(state, sources, signal),
  );
  return (
    <Shown of={state.datasets}>
      {(datasets) => (
        <>
          <Shown of={tables} lines={8}>
            {(found) =>
              found.length === 0 ? (
                <Empty title="No tables yet">
                  <p>The data set is made of your sources’ tables.</p>
                  <a class="button plain" href={to.model(state.tenant, state.id, 'sources')}>
                    Go to the sources
                  </a>
                </Empty>
              ) : (
                <Editor
                  key={datasets[0]?.id ?? 'new'}
                  state={state}
                  tables={found}
                  saved={datasets[0] ?? null}
                />
              )
            }
          </Shown>
          {datasets[0] !== undefined && <Preview state={state} dataset={datasets[0]} />}
        </>
      )}
    </Shown>
  );
}

async function tablesOf(
  { tenant, id: model }: ModelState,
  sources: readonly Source[],
  signal: AbortSignal,
): Promise<SourceTable[]> {
  const lists = await Promise.all(
    sources.map((source) =>
      allOf((query) =>
        api(listSourceTables, { params: { tenant, model, source: source.id }, query, signal }),
      ),
    ),
  );
  return lists.flat();
}

interface EditorProps {
  readonly state: ModelState;
  readonly tables: readonly SourceTable[];
  readonly saved: Dataset | null;
}

function Editor({ state: { tenant, id: model }, tables, saved }: EditorProps) {
  const guess = guessDataset('Order lines', tables);
  const first: Draft = saved === null ? draftFrom(guess, tables) : draftOf(saved, tables);
  const [draft, setDraft] = useState(first);
  const [said, setSaid] = useState('');
  useEffect(() => setSaid(''), [draft]);
  const definition = definitionFrom(draft);
  const work = useWork(async (body: DatasetDefinition) => {
    const params = { tenant, model };
    if (saved === null) await api(createDataset, { params, body });
    else await api(replaceDataset, { params: { ...params, dataset: saved.id }, body });
    setSaid('Saved.');
  });
  const change = (role: Role, column: string) =>
    setDraft({ ...draft, roles: { ...draft.roles, [role]: column } });
  const missing = ROLES.filter(({ role, required }) => required && (draft.roles[role] ?? '') === '');
  return (
    <Panel
      title="Which columns mean what"
      note={
        saved === null
          ? 'Guessed from names and types. Look it over, then save.'
          : 'As saved. Later runs use what you save here.'
      }
    >
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (definition !== null) work.run(definition);
        }}
      >
        <RolesForm draft={draft} confidence={saved === null ? guess.confidence : {}} onChange={change} />
        <details open={draft.tables.length === 0}>
          <summary>
            Tables <span class="quiet">{tablesText(draft)}</span>
          </summary>
          <JoinsForm draft={draft} tables={tables} onChange={setDraft} />
        </details>
        <details>
          <summary>
            Cleaning <span class="quiet">{cleaningText(draft.cleaning)}</span>
          </summary>
          <CleaningForm cleaning={draft.cleaning} onChange={(cleaning) => setDraft({ ...draft, cleaning })} />
        </details>
        {missing.length > 0 && (
          <output class="notice warning">
            Choose a column for: {missing.map(({ title }) => title.toLowerCase()).join(', ')}.
          </output>
        )}
        {work.error !== null && <Failure error={work.error} />}
        <div class="row">
          <Button
            type="submit"
            busy={work.busy}
            unavailable={
              allowed(tenant, 'edit') ? (definition === null ? 'A column is missing.' : null) : READ_ONLY
            }
          >
            Save the data set
          </Button>
          <output>{said}</output>
        </div>
      </form>
    </Panel>
  );
}

const tablesText = ({ tables }: Draft) =>
  tables.length === 0 ? 'none chosen' : tables.map(({ alias }) => alias).join(', ');

function cleaningText(cleaning: Cleaning): string {
  const out = [
    cleaning.dropReturns && 'returns',
    cleaning.dropDuplicates && 'repeats',
    cleaning.dropServiceCodes && 'service codes',
    cleaning.dropUnpriced && 'what is free',
    cleaning.excludeItems.length > 0 && counted(cleaning.excludeItems.length, 'item'),
    cleaning.outlierFactor > 0 && 'unusual quantities',
    cleaning.dropServiceNames && 'freight and fees by name',
    cleaning.projectFactor > 0 && 'one-off projects',
  ].filter((each) => each !== false);
  const put = [
    cleaning.netReturns && 'settles returns',
    cleaning.alignUnits && 'aligns units',
    cleaning.mergeCustomers.length > 0 && `merges ${counted(cleaning.mergeCustomers.length, 'customer')}`,
  ].filter((each) => each !== false);
  return [out.length === 0 ? 'leaves nothing out' : `leaves out ${out.join(', ')}`, ...put].join('; ');
}

function Preview({
  state: { tenant, id: model },
  dataset,
}: {
  readonly state: ModelState;
  readonly dataset: Dataset;
}) {
  const [asked, setAsked] = useState(false);
  const preview = useAnswer(asked ? `${dataset.id}@${dataset.updatedAt}` : null, (signal) =>
    api(previewDataset, { params: { tenant, model, dataset: dataset.id }, signal }),
  );
  return (
    <Panel
      title="Preview"
      note="The first lines the pipeline will learn from."
      aside={
        !asked && (
          <Button kind="plain" small onClick={() => setAsked(true)}>
            Show
          </Button>
        )
      }
    >
      {asked && (
        <Shown of={preview}>
          {({ rows, sql, bytes: read }) => (
            <div class="stack">
              <Rows rows={rows} />
              <details>
                <summary>
                  SQL <span class="quiet">reads {bytes(read)}</span>
                </summary>
                <Scroll label="The generated SQL" kind="sql">
                  <pre>{sql}</pre>
                </Scroll>
              </details>
            </div>
          )}
        </Shown>
      )}
    </Panel>
  );
}

function Rows({
  rows,
}: {
  readonly rows: readonly Readonly<Record<string, string | number | boolean | null>>[];
}) {
  const names = Object.keys(rows[0] ?? {});
  if (names.length === 0) return <p class="quiet">No lines: load the tables first.</p>;
  return (
    <Scroll label="First lines">
      <table>
        <thead>
          <tr>
            {names.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={index}>
              {names.map((name) => (
                <td key={name}>{row[name] === null ? <span class="quiet">–</span> : String(row[name])}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
