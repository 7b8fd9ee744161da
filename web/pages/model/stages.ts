import type { Deployment } from '#core/deployment';
import { type EtlRun, etlCycle } from '#core/etl-run';
import { isFinal } from '#core/life-cycle';
import { type PipelineRun, pipelineCycle, STAGES, type StageName } from '#core/pipeline-run';
import type { Section } from '../../paths.ts';
import { type Tone, toneOf } from '../../ui/tone.ts';
import { counted } from '../../ui/format.ts';

/** What the strip is drawn from: the newest of each, null where there is none. */
export interface Facts {
  readonly sources: number;
  readonly datasets: number;
  readonly etl: EtlRun | null;
  readonly pipeline: PipelineRun | null;
  readonly deployment: Deployment | null;
  /** A version is live, whichever it is. */
  readonly answering: boolean;
}

export interface StripItem {
  readonly name: string;
  readonly tone: Tone;
  /** A word or two: `running`, `2 sources`. */
  readonly text: string;
  readonly section: Section;
}

const TITLES: Readonly<Record<StageName, string>> = {
  extraction: 'Extraction',
  vocabulary: 'Vocabulary',
  training: 'Training',
  deployment: 'Deployment',
};

/** The way of the data from source to answers, and how far it has come. */
export function stageStrip(facts: Facts): StripItem[] {
  return [
    {
      name: 'Source',
      tone: facts.sources === 0 ? 'idle' : 'good',
      text: facts.sources === 0 ? 'none yet' : counted(facts.sources, 'source'),
      section: 'sources',
    },
    {
      name: 'ETL',
      tone: facts.etl === null ? 'idle' : toneOf(facts.etl.status),
      text: etlText(facts.etl),
      section: 'load',
    },
    ...STAGES.map((stage) => pipelineItem(stage, facts)),
  ];
}

function etlText(run: EtlRun | null): string {
  if (run === null) return 'not loaded';
  const loaded = run.status === 'succeeded' || run.status === 'partial';
  return loaded && run.counts.rows > 0 ? counted(run.counts.rows, 'row') : run.status;
}

function pipelineItem(stage: StageName, { pipeline, deployment, answering }: Facts): StripItem {
  const name = TITLES[stage];
  const section = stage === 'deployment' ? 'deployment' : 'pipeline';
  if (stage === 'deployment' && deployment !== null && newer(deployment, pipeline))
    return { name, tone: toneOf(deployment.status), text: deployment.status, section };
  if (pipeline === null) return { name, tone: 'idle', text: 'not run', section };
  const { status } = pipeline.stages[stage];
  if (stage === 'deployment' && pipeline.status === 'rejected')
    return { name, tone: 'warning', text: 'held back by the gate', section };
  // A run that got nowhere has changed nothing: what was live before still answers.
  if (stage === 'deployment' && answering && (status === 'cancelled' || status === 'skipped'))
    return { name, tone: 'good', text: 'live as before', section };
  return { name, tone: toneOf(status), text: detail(stage, pipeline) ?? status, section };
}

/** A deployment says more than the run's last stage unless a newer run has begun since. */
function newer(deployment: Deployment, pipeline: PipelineRun | null): boolean {
  return pipeline === null || deployment.run === pipeline.id || deployment.createdAt > pipeline.createdAt;
}

function detail(stage: StageName, run: PipelineRun): string | null {
  if (toneOf(run.stages[stage].status) !== 'good') return null;
  if (stage === 'extraction' && run.extraction !== null) return counted(run.extraction.kept, 'line');
  if (stage === 'vocabulary' && run.vocabulary !== null) return counted(run.vocabulary.items, 'item');
  return null;
}

export interface NextStep {
  readonly text: string;
  readonly action: string;
  readonly section: Section;
}

/** The one thing that leads on from here. */
export function nextStep({ sources, datasets, etl, pipeline, deployment, answering }: Facts): NextStep {
  if (sources === 0)
    return { text: 'Say where your orders are.', action: 'Add a source', section: 'sources' };
  if (etl !== null && !isFinal(etlCycle, etl.status))
    return { text: 'Your tables are being loaded.', action: 'Watch the load', section: 'load' };
  if (etl === null)
    return { text: 'The source is set up; load its tables.', action: 'Load', section: 'load' };
  if (etl.status === 'failed') return { text: 'The last load failed.', action: 'See why', section: 'load' };
  if (datasets === 0)
    return {
      text: 'Say which columns mean what; a guess is ready.',
      action: 'Check the data set',
      section: 'dataset',
    };
  if (pipeline === null)
    return { text: 'Everything is ready to learn from.', action: 'Train a model', section: 'pipeline' };
  if (!isFinal(pipelineCycle, pipeline.status))
    return { text: 'The pipeline is at work.', action: 'Watch the run', section: 'pipeline' };
  if (answering || deployment?.status === 'live')
    return { text: 'The model answers.', action: 'Try it', section: 'try' };
  if (pipeline.status === 'failed')
    return { text: 'The last pipeline run failed.', action: 'See why', section: 'pipeline' };
  return {
    text: 'A version is trained but does not answer yet.',
    action: 'Deploy it',
    section: 'deployment',
  };
}
