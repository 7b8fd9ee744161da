import { Dataset } from '#core/dataset';
import { Deployment } from '#core/deployment';
import { EtlRun } from '#core/etl-run';
import { Model } from '#core/model';
import { paths } from '#core/paths';
import { PipelineRun } from '#core/pipeline-run';
import { Source } from '#core/source';
import { type Live, present, useLiveDocument, useLiveList } from '../../live.ts';

/** Everything a model's page shows, kept up to date; each newest first. */
export interface ModelState {
  readonly tenant: string;
  readonly id: string;
  readonly model: Live<Model | null>;
  readonly sources: Live<Source[]>;
  readonly etlRuns: Live<EtlRun[]>;
  readonly datasets: Live<Dataset[]>;
  readonly pipelineRuns: Live<PipelineRun[]>;
  readonly deployments: Live<Deployment[]>;
}

export function useModelState(tenant: string, id: string): ModelState {
  const newest = { by: 'newest', limit: 10 } as const;
  return {
    tenant,
    id,
    model: useLiveDocument(paths.model(tenant, id), Model),
    sources: present(useLiveList(paths.sources(tenant, id), Source, { by: 'newest', limit: 100 })),
    etlRuns: useLiveList(paths.etlRuns(tenant, id), EtlRun, newest),
    datasets: present(useLiveList(paths.datasets(tenant, id), Dataset, { by: 'newest', limit: 50 })),
    pipelineRuns: useLiveList(paths.pipelineRuns(tenant, id), PipelineRun, newest),
    deployments: useLiveList(paths.deployments(tenant, id), Deployment, newest),
  };
}
