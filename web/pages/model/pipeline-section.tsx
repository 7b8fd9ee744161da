import { useState } from 'preact/hooks';
import {
  cancelPipeline,
  createPipelineConfig,
  listPipelineConfigs,
  startPipeline,
} from '#core/api/pipelines';
import { isFinal } from '#core/life-cycle';
import { paths } from '#core/paths';
import { type PipelineRun, pipelineCycle, STAGES } from '#core/pipeline-run';
import { trainingPresets } from '#core/training-config';
import { Version } from '#core/version';
import { api } from '../../api.ts';
import { useLiveDocument, valueOf } from '../../live.ts';
import { to } from '../../paths.ts';
import { allowed } from '../../session.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { count, counted, duration } from '../../ui/format.ts';
import { Ago } from '../../ui/moment.tsx';
import { Panel } from '../../ui/panel.tsx';
import { Empty, Failure, RecordedFailure, Shown } from '../../ui/states.tsx';
import { useWork } from '../../use-work.ts';
import { CancelButton } from './cancel-button.tsx';
import type { ModelState } from './facts.ts';
import { MetricsTables } from './metrics-tables.tsx';
import { ReasonList } from './reason-list.tsx';
import { changedReasons, droppedReasons } from './reasons.ts';
import { RunLog } from './run-log.tsx';
import { READ_ONLY } from './sources-section.tsx';

type Preset = keyof typeof trainingPresets;
const PRESETS: readonly (readonly [Preset, string, string])[] = [
  ['quick', 'Quick', 'A first look'],
  ['balanced', 'Balanced', 'For everyday use'],
  ['thorough', 'Thorough', 'When it must be the best'],
];

export function PipelineSection({ state }: { readonly state: ModelState }) {
  const [chosen, setChosen] = useState<string | null>(null);
  const runs = valueOf(state.pipelineRuns, []);
  const run = runs.find(({ id }) => id === chosen) ?? runs[0];
  return (
    <>
      <StartPanel state={state} started={setChosen} />
      <Shown of={state.pipelineRuns}>
        {() =>
          run === undefined ? (
            <Empty title="No run yet">
              <p>A run extracts, learns, measures and deploys; each stage is shown here.</p>
            </Empty>
          ) : (
            <RunPanel key={run.id} state={state} run={run} />
          )
        }
      </Shown>
      {runs.length > 1 && (
        <Panel title="History">
          <ul class="lately">
            {runs.map((each) => (
              <li key={each.id}>
                <Badge status={each.status} />
                <button
                  class="button link"
                  type="button"
                  aria-pressed={each.id === run?.id}
                  onClick={() => setChosen(each.id)}
                >
                  {each.settings.name}
                </button>
                <span class="quiet">
                  <Ago at={each.createdAt} />
                </span>
              </li>
            ))}
          </ul>
        </Panel>
      )}
    </>
  );
}

function StartPanel({
  state,
  started,
}: {
  readonly state: ModelState;
  readonly started: (run: string) => void;
}) {
  const { tenant, id: model } = state;
  const [preset, setPreset] = useState<Preset>('quick');
  const active = valueOf(state.pipelineRuns, []).some((run) => !isFinal(pipelineCycle, run.status));
  const dataset = valueOf(state.datasets, [])[0];
  const work = useWork(async (datasetId: string) => {
    const params = { tenant, model };
    const { items } = await api(listPipelineConfigs, { params, query: { limit: 200 } });
    const title = PRESETS.find(([name]) => name === preset)?.[1] ?? preset;
    const config =
      items.find((each) => each.name === title && each.training.preset === preset) ??
      (await api(createPipelineConfig, { params, body: { name: title, training: { preset } } }));
    const run = await api(startPipeline, { params, body: { config: config.id, dataset: datasetId } });
    started(run.id);
  });
  return (
    <Panel title="Train a model" note="Extraction, vocabulary, training and deployment, one after the other.">
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (dataset !== undefined) work.run(dataset.id);
        }}
      >
        <fieldset>
          <legend>How much is tried</legend>
          <div class="presets">
            {PRESETS.map(([name, title, when]) => (
              <label key={name} class="choice">
                <input
                  type="radio"
                  name="preset"
                  checked={preset === name}
                  onChange={() => setPreset(name)}
                />
                <span>
                  <strong>{title}</strong> {when}
                  <span class="quiet below">
                    up to {counted(trainingPresets[name].trials, 'trial')} in{' '}
                    {duration(trainingPresets[name].seconds * 1000)}
                  </span>
                </span>
              </label>
            ))}
          </div>
        </fieldset>
        {work.error !== null && <Failure error={work.error} />}
        {dataset === undefined && state.datasets.state === 'ready' && (
          <p class="notice warning">
            <span>
              The run needs a data set:{' '}
              <a href={to.model(tenant, model, 'dataset')}>say which columns mean what</a>.
            </span>
          </p>
        )}
        <div>
          <Button
            type="submit"
            busy={work.busy || active}
            unavailable={
              allowed(tenant, 'run') ? (dataset === undefined ? 'Save a data set first.' : null) : READ_ONLY
            }
          >
            {active ? 'Running' : 'Start the run'}
          </Button>
        </div>
      </form>
    </Panel>
  );
}

function RunPanel({ state, run }: { readonly state: ModelState; readonly run: PipelineRun }) {
  const { tenant, id: model } = state;
  const version = useLiveDocument(
    run.version === null ? null : paths.version(tenant, model, run.version),
    Version,
  );
  const made = valueOf(version, null);
  return (
    <Panel
      title={`Run “${run.settings.name}”`}
      aside={
        <>
          <Badge status={run.status} />
          <span class="quiet">
            <Ago at={run.createdAt} />
          </span>
          {!isFinal(pipelineCycle, run.status) && (
            <CancelButton
              tenant={tenant}
              what="the run"
              requestedAt={run.cancelRequestedAt}
              cancel={() => api(cancelPipeline, { params: { tenant, model, run: run.id } })}
            />
          )}
        </>
      }
    >
      <div class="stack">
        <StageList run={run} />
        {run.failure !== null && <RecordedFailure failure={run.failure} />}
        {run.extraction !== null && <Extracted run={run} />}
        {run.metrics !== null && <MetricsTables metrics={run.metrics} />}
        {made !== null && (
          <div class={made.gate.passed ? 'notice good' : 'notice warning'}>
            <p>
              <strong>
                Version {made.number} {made.gate.passed ? 'passed' : 'was held back by'} the quality gate.
              </strong>
            </p>
            <ul>
              {made.gate.reasons.map((reason) => (
                <li key={reason}>{reason}</li>
              ))}
            </ul>
          </div>
        )}
        <RunLog run={paths.pipelineRun(tenant, model, run.id)} />
      </div>
    </Panel>
  );
}

function StageList({ run }: { readonly run: PipelineRun }) {
  return (
    <ul class="lately">
      {STAGES.map((name) => {
        const { status, startedAt, finishedAt, failure, attempts } = run.stages[name];
        return (
          <li key={name}>
            <Badge status={status} />
            <span class="stage-label">{name}</span>
            <span class="quiet">
              {startedAt !== null &&
                finishedAt !== null &&
                duration(Date.parse(finishedAt) - Date.parse(startedAt))}
              {attempts > 1 && ` · attempt ${attempts}`}
            </span>
            {failure !== null && failure.code !== run.failure?.code && <RecordedFailure failure={failure} />}
          </li>
        );
      })}
    </ul>
  );
}

function Extracted({ run: { extraction, vocabulary } }: { readonly run: PipelineRun }) {
  if (extraction === null) return null;
  return (
    <div>
      <p>
        <strong>{count(extraction.kept)}</strong> of {counted(extraction.lines, 'order line')} are learned
        from
        {vocabulary !== null &&
          `: ${counted(vocabulary.customers, 'customer')}, ${counted(vocabulary.items, 'item')}`}
        .
      </p>
      <ReasonList title="Lines left out" reasons={droppedReasons(extraction.dropped)} of={extraction.lines} />
      <ReasonList title="Lines put right" reasons={changedReasons(extraction.changed)} of={extraction.kept} />
    </div>
  );
}
