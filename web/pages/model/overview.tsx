import { valueOf } from '../../live.ts';
import { to } from '../../paths.ts';
import { Badge } from '../../ui/badge.tsx';
import { counted } from '../../ui/format.ts';
import { Ago } from '../../ui/moment.tsx';
import { Panel } from '../../ui/panel.tsx';
import type { ModelState } from './facts.ts';
import { MetricsTables } from './metrics-tables.tsx';
import { type Facts, nextStep } from './stages.ts';

export function Overview({ state, facts }: { readonly state: ModelState; readonly facts: Facts }) {
  const next = nextStep(facts);
  const measured = valueOf(state.pipelineRuns, []).find((run) => run.metrics !== null);
  return (
    <>
      <Panel title="Next step">
        <div class="row">
          <p class="grow">{next.text}</p>
          <a class="button" href={to.model(state.tenant, state.id, next.section)}>
            {next.action}
          </a>
        </div>
      </Panel>
      {measured?.metrics && (
        <Panel title="How good it is" note="The newest measured run, beside what needs no model at all.">
          <MetricsTables metrics={measured.metrics} />
        </Panel>
      )}
      <Panel title="Lately">
        <Lately facts={facts} />
      </Panel>
    </>
  );
}

function Lately({ facts: { etl, pipeline, deployment } }: { readonly facts: Facts }) {
  if (etl === null && pipeline === null && deployment === null)
    return <p class="quiet">Nothing has run yet.</p>;
  return (
    <ul class="lately">
      {deployment !== null && (
        <li>
          <Badge status={deployment.status} /> Deployment{' '}
          <Ago at={deployment.liveAt ?? deployment.createdAt} />
        </li>
      )}
      {pipeline !== null && (
        <li>
          <Badge status={pipeline.status} /> Pipeline run “{pipeline.settings.name}”{' '}
          <Ago at={pipeline.finishedAt ?? pipeline.createdAt} />
        </li>
      )}
      {etl !== null && (
        <li>
          <Badge status={etl.status} /> Load of {counted(etl.tables, 'table')},{' '}
          {counted(etl.counts.rows, 'row')} <Ago at={etl.finishedAt ?? etl.createdAt} />
        </li>
      )}
    </ul>
  );
}
