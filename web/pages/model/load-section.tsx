import { useState } from 'preact/hooks';
import { cancelEtl, startEtl } from '#core/api/etl';
import { type EtlRun, EtlTable, etlCycle } from '#core/etl-run';
import { isFinal } from '#core/life-cycle';
import { paths } from '#core/paths';
import { api } from '../../api.ts';
import { useLiveList, valueOf } from '../../live.ts';
import { to } from '../../paths.ts';
import { allowed } from '../../session.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { bytes, count, counted, duration } from '../../ui/format.ts';
import { Ago } from '../../ui/moment.tsx';
import { Panel } from '../../ui/panel.tsx';
import { Empty, Failure, RecordedFailure, Shown } from '../../ui/states.tsx';
import { useWork } from '../../use-work.ts';
import { CancelButton } from './cancel-button.tsx';
import type { ModelState } from './facts.ts';
import { LoadCheck } from './load-check.tsx';
import { LoadTables, rejectedOf } from './load-tables.tsx';
import { readSoFar, sum, TaskProgress } from './progress.ts';
import { PublishTogether } from './publish-together.tsx';
import { RunLog } from './run-log.tsx';
import { SourceUses } from './source-uses.tsx';
import { READ_ONLY } from './sources-section.tsx';

export function LoadSection({ state }: { readonly state: ModelState }) {
  const { tenant, id: model } = state;
  const [chosen, setChosen] = useState<string | null>(null);
  const runs = valueOf(state.etlRuns, []);
  const active = runs.some((run) => !isFinal(etlCycle, run.status));
  const start = useWork(async () => {
    const run = await api(startEtl, { params: { tenant, model } });
    setChosen(run.id);
  });
  const none = valueOf(state.sources, []).length === 0;
  const unavailable = none ? 'Add a source first.' : allowed(tenant, 'run') ? null : READ_ONLY;
  const run = runs.find(({ id }) => id === chosen) ?? runs[0];
  return (
    <>
      <Panel
        title="Load into the warehouse"
        note="Takes every table that is switched on, in one consistent picture of the source."
        aside={
          <Button busy={start.busy || active} unavailable={unavailable} onClick={start.run}>
            {active ? 'Loading' : 'Load now'}
          </Button>
        }
      >
        <div class="stack">
          {start.error !== null && <Failure error={start.error} retry={start.run} />}
          <LoadCheck tenant={tenant} model={model} unavailable={unavailable} />
          <PublishTogether
            tenant={tenant}
            model={model}
            together={valueOf(state.model, null)?.publishTogether ?? false}
          />
          <Shown of={state.etlRuns}>
            {() =>
              run === undefined ? (
                <Empty title="Nothing loaded yet">
                  {none ? (
                    <a class="button plain" href={to.model(tenant, model, 'sources')}>
                      Add a source
                    </a>
                  ) : (
                    <p>Start a load; you can leave this page meanwhile.</p>
                  )}
                </Empty>
              ) : (
                <RunDetail key={run.id} tenant={tenant} model={model} run={run} />
              )
            }
          </Shown>
        </div>
      </Panel>
      {runs.length > 0 && (
        <Panel title="History">
          <History runs={runs} chosen={run?.id ?? ''} choose={setChosen} />
        </Panel>
      )}
    </>
  );
}

interface RunProps {
  readonly tenant: string;
  readonly model: string;
  readonly run: EtlRun;
}

function RunDetail({ tenant, model, run }: RunProps) {
  const tables = useLiveList(paths.etlTables(tenant, model, run.id), EtlTable, { limit: 500 });
  const path = paths.etlRun(tenant, model, run.id);
  const over = isFinal(etlCycle, run.status);
  // Counts of the tasks at work; what is over has its own.
  const tasks = useLiveList(over ? null : `${path}/progress`, TaskProgress);
  const sofar = readSoFar(valueOf(tasks, []));
  return (
    <div class="stack">
      <p class="row">
        <Badge status={run.status} />
        <span>
          {counted(Math.max(run.counts.rows, sum(sofar, 'rows')), 'row')} ·{' '}
          {bytes(Math.max(run.counts.bytes, sum(sofar, 'bytes')))}
          {rejectedOf(run.counts.rejected) > 0 && ` · ${count(rejectedOf(run.counts.rejected))} rejected`}
        </span>
        <span class="quiet">
          {run.finishedAt === null ? (
            <>
              started <Ago at={run.startedAt ?? run.createdAt} />
            </>
          ) : (
            `took ${duration(Date.parse(run.finishedAt) - Date.parse(run.createdAt))}`
          )}
        </span>
        {run.together && <span class="quiet">all tables together</span>}
        {!over && (
          <CancelButton
            tenant={tenant}
            what="the load"
            requestedAt={run.cancelRequestedAt}
            cancel={() => api(cancelEtl, { params: { tenant, model, run: run.id } })}
          />
        )}
      </p>
      {run.failure !== null && <RecordedFailure failure={run.failure} />}
      <SourceUses run={run} over={over} />
      <Shown of={tables}>
        {(found) =>
          found.length === 0 ? (
            <p class="quiet">{over ? 'No table was planned.' : 'The tables are being planned.'}</p>
          ) : (
            <LoadTables tenant={tenant} model={model} tables={found} sofar={sofar} />
          )
        }
      </Shown>
      <RunLog run={path} />
    </div>
  );
}

interface HistoryProps {
  readonly runs: readonly EtlRun[];
  readonly chosen: string;
  readonly choose: (id: string) => void;
}

function History({ runs, chosen, choose }: HistoryProps) {
  return (
    <ul class="lately">
      {runs.map((run) => (
        <li key={run.id}>
          <Badge status={run.status} />
          <button
            class="button link"
            type="button"
            aria-pressed={run.id === chosen}
            onClick={() => choose(run.id)}
          >
            {counted(run.tables, 'table')}, {counted(run.counts.rows, 'row')}
          </button>
          <span class="quiet">
            <Ago at={run.createdAt} />
          </span>
        </li>
      ))}
    </ul>
  );
}
