import type { ComponentChildren } from 'preact';
import { useRoute } from 'preact-iso';
import { useEffect, useRef } from 'preact/hooks';
import { valueOf } from '../../live.ts';
import { type Section, SECTIONS, sectionOf, to } from '../../paths.ts';
import { tenantOf } from '../../session.ts';
import { announce } from '../../ui/announcer.tsx';
import { Badge } from '../../ui/badge.tsx';
import { Failure, Skeleton } from '../../ui/states.tsx';
import { useTitle } from '../../ui/use-title.ts';
import NotFound from '../not-found.tsx';
import { AutomationSection } from './automation-section.tsx';
import { DatasetSection } from './dataset-section.tsx';
import { DeploymentSection } from './deployment-section.tsx';
import { type ModelState, useModelState } from './facts.ts';
import { LoadSection } from './load-section.tsx';
import { Overview } from './overview.tsx';
import { PipelineSection } from './pipeline-section.tsx';
import { SourcesSection } from './sources-section.tsx';
import { StageStrip } from './stage-strip.tsx';
import { type Facts, stageStrip } from './stages.ts';
import { TryIt } from './try-it.tsx';

const TITLES: Readonly<Record<Section, string>> = {
  overview: 'Overview',
  sources: 'Sources',
  load: 'Load',
  automation: 'Automation',
  dataset: 'Data set',
  pipeline: 'Pipeline',
  deployment: 'Deployment',
  try: 'Try it',
};

export default function ModelPage() {
  const { tenant = '', model = '', section } = useRoute().params;
  return tenantOf(tenant) === null ? (
    <NotFound />
  ) : (
    <Page key={`${tenant}/${model}`} tenant={tenant} id={model} section={sectionOf(section)} />
  );
}

interface PageProps {
  readonly tenant: string;
  readonly id: string;
  readonly section: Section;
}

function Page({ tenant, id, section }: PageProps) {
  const state = useModelState(tenant, id);
  const facts = factsOf(state);
  useStageNews(facts);
  const model = valueOf(state.model, null);
  const tabs = useRef<HTMLElement>(null);
  // On a small screen the tabs scroll: the one of this page is to be seen.
  useEffect(() => {
    const current = tabs.current?.querySelector('[aria-current]');
    current?.scrollIntoView({ block: 'nearest', inline: 'center' });
  }, [section, model === null]);
  useTitle(TITLES[section], model?.name ?? '');
  if (state.model.state === 'failed') return <Failure error={state.model.error} retry={state.model.retry} />;
  if (state.model.state === 'loading') return <Skeleton lines={8} label="Opening the model" />;
  if (model === null || model.deletedAt !== null) return <NotFound />;
  const Part = PARTS[section];
  return (
    <>
      <div class="page-head">
        <div>
          <p class="crumbs">
            <a href={to.models(tenant)}>All models</a>
          </p>
          <h1>{model.name}</h1>
        </div>
        {model.liveDeployment !== null && <Badge status="live" text="answering" />}
      </div>
      <StageStrip items={stageStrip(facts)} tenant={tenant} model={id} />
      <nav class="tabs" aria-label="Parts of the model" ref={tabs}>
        {SECTIONS.map((each) => (
          <a
            key={each}
            href={to.model(tenant, id, each)}
            aria-current={each === section ? 'page' : undefined}
          >
            {TITLES[each]}
          </a>
        ))}
      </nav>
      <Part state={state} facts={facts} />
    </>
  );
}

interface SectionProps {
  readonly state: ModelState;
  readonly facts: Facts;
}
const PARTS: Readonly<Record<Section, (props: SectionProps) => ComponentChildren>> = {
  overview: Overview,
  sources: SourcesSection,
  load: LoadSection,
  automation: AutomationSection,
  dataset: DatasetSection,
  pipeline: PipelineSection,
  deployment: DeploymentSection,
  try: TryIt,
};

function factsOf(state: ModelState): Facts {
  return {
    sources: valueOf(state.sources, []).length,
    datasets: valueOf(state.datasets, []).length,
    etl: valueOf(state.etlRuns, [])[0] ?? null,
    pipeline: valueOf(state.pipelineRuns, [])[0] ?? null,
    deployment: valueOf(state.deployments, [])[0] ?? null,
    answering: (valueOf(state.model, null)?.liveDeployment ?? null) !== null,
  };
}

/** Says each stage that moved to people who cannot see the strip. */
function useStageNews(facts: Facts): void {
  const before = useRef<ReadonlyMap<string, string> | null>(null);
  const items = stageStrip(facts);
  const now = items.map(({ name, text }) => `${name}: ${text}`);
  useEffect(() => {
    const known = before.current;
    const moved = items.filter(({ name, text }) => known !== null && known.get(name) !== text);
    before.current = new Map(items.map(({ name, text }) => [name, text]));
    if (moved.length > 0) announce(moved.map(({ name, text }) => `${name}: ${text}`).join(', '));
  }, [now.join()]);
}
