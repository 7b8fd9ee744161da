import { type Affected, decideTableDrift, getTableDrift, updateSourceTable } from '#core/api/sources';
import { describeChange, type DriftPolicy } from '#core/drift';
import type { SourceTable } from '#core/source';
import { type ColumnReaders, driftOf } from '#core/table-drift';
import { api } from '../../api.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Choice } from '../../ui/field.tsx';
import { Ago } from '../../ui/moment.tsx';
import { Failure, Shown } from '../../ui/states.tsx';
import { useAnswer, useWork } from '../../use-work.ts';

interface DriftProps {
  readonly tenant: string;
  readonly model: string;
  readonly table: SourceTable;
  readonly may: boolean;
}

const POLICIES: readonly (readonly [DriftPolicy, string])[] = [
  ['propagate', 'take over what loses nothing'],
  ['add', 'take over new columns only'],
  ['block', 'ask about everything'],
];

/** What a load does where the table has changed in its source. */
export function DriftChoice({ tenant, model, table, may }: DriftProps) {
  const change = useWork(async (drift: DriftPolicy) => {
    const params = { tenant, model, source: table.source, table: table.id };
    await api(updateSourceTable, { params, body: { drift } });
  });
  return (
    <>
      <Choice
        label="When its columns change"
        value={table.drift}
        options={POLICIES}
        disabled={!may || change.busy}
        onChange={change.run}
      />
      {change.error !== null && <Failure error={change.error} />}
    </>
  );
}

/** Whether a table, as it was read last, is another one than was loaded last. */
export function hasDrifted(table: SourceTable): boolean {
  return table.proposal !== null || changesOf(table).length > 0;
}

const NO_READERS: ColumnReaders = new Map();

/** By the rule that loads follow; what reads the table decides only what of it is held. */
function changesOf(table: SourceTable) {
  return driftOf(table, table.loaded, NO_READERS).changes;
}

/** What has changed in a table since it was loaded, what depends on it, and what is to become of it. */
export function TableDrift(props: DriftProps) {
  const { tenant, model, table } = props;
  const { proposal } = table;
  const changes = changesOf(table);
  const told = changes.length === 0 ? (proposal?.changes ?? []) : changes;
  const params = { tenant, model, source: table.source, table: table.id };
  // Asked again whenever the table is another one, or is to become another.
  const asked = JSON.stringify([params, told, proposal?.id, table.destination]);
  const found = useAnswer(asked, () => api(getTableDrift, { params }));
  return (
    <section class="drift" aria-label={`Changes of ${table.name}`}>
      <h3>
        {table.name} has changed since it was loaded <Standing proposal={proposal} />
      </h3>
      <ul>
        {told.map((change) => (
          <li key={`${change.kind} ${change.column}`}>
            {describeChange(change)}
            {proposal?.changes.some((one) => one.kind === change.kind && one.column === change.column) ===
              true && <span class="quiet"> (waits for a decision)</span>}
          </li>
        ))}
      </ul>
      <Shown of={found}>{({ affected }) => <Dependents affected={affected} />}</Shown>
      {proposal === null ? (
        <p class="quiet">The next load takes it over.</p>
      ) : (
        <Decision {...props} proposal={proposal} />
      )}
    </section>
  );
}

type Proposed = NonNullable<SourceTable['proposal']>;

function Standing({ proposal }: { readonly proposal: Proposed | null }) {
  if (proposal === null) return null;
  const words = { open: 'to be decided', accepted: 'accepted', kept: 'kept as it is' };
  const status = { open: 'partial', accepted: 'succeeded', kept: 'cancelled' };
  return <Badge status={status[proposal.decision]} text={words[proposal.decision]} />;
}

function Dependents({ affected }: { readonly affected: readonly Affected[] }) {
  if (affected.length === 0) return <p class="quiet">Nothing depends on what has changed.</p>;
  return (
    <>
      <p>What depends on it:</p>
      <ul>
        {affected.map(({ kind, id, name, columns, works, note }) => (
          <li key={`${kind} ${id ?? name}`}>
            <strong>{name}</strong> {id !== null && <span class="quiet">{KINDS[kind]}</span>}{' '}
            {columns.length > 0 && `by ${columns.join(', ')}: `}
            {note} {!works && <Badge status="failed" text="does not go on" />}
          </li>
        ))}
      </ul>
    </>
  );
}

const KINDS: Readonly<Record<Affected['kind'], string>> = {
  'merge-key': '',
  cursor: '',
  filter: '',
  hash: '',
  dataset: 'data set',
  schedule: 'schedule',
  'pipeline-config': 'configuration',
  version: 'model version',
  deployment: 'deployment',
};

function Decision({ tenant, model, table, may, proposal }: DriftProps & { readonly proposal: Proposed }) {
  const decide = useWork(async (decision: 'accept' | 'keep') => {
    const params = { tenant, model, source: table.source, table: table.id };
    await api(decideTableDrift, { params, body: { proposal: proposal.id, decision } });
  });
  const { newVersion, decision } = proposal;
  const unavailable = may ? null : 'Your role can look but not change; ask an owner or editor.';
  const accept = newVersion ? 'Begin it anew with these columns' : 'Change the loaded table so';
  return (
    <>
      <p class="quiet">
        First seen <Ago at={proposal.since} />.{' '}
        {decision === 'accepted'
          ? newVersion
            ? 'The next load begins a new version; until it is there, everything reads the one before.'
            : 'The next load changes the loaded table.'
          : newVersion
            ? 'The loaded table cannot take it: it would begin anew, with all rows read again, and the version before stays for data sets that need it. Until that is decided nothing of the table is loaded.'
            : 'Until that is decided nothing of the table is loaded.'}
      </p>
      <p class="actions">
        {decision !== 'accepted' && (
          <Button small busy={decide.busy} unavailable={unavailable} onClick={() => decide.run('accept')}>
            {accept}
          </Button>
        )}
        {decision !== 'kept' && (
          <Button
            kind="plain"
            small
            busy={decide.busy}
            unavailable={unavailable}
            onClick={() => decide.run('keep')}
          >
            Keep it as it is loaded
          </Button>
        )}
      </p>
      {decide.error !== null && <Failure error={decide.error} />}
    </>
  );
}
