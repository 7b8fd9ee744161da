/** What a thing that is over says of its subject's health: pure. */
import type { AlertSubject, Observation } from '#core/alert';
import type { Deployment } from '#core/deployment';
import type { Failure } from '#core/errors';
import type { EtlRun } from '#core/etl-run';
import type { PipelineRun } from '#core/pipeline-run';
import { comesToNothing, type Firing } from '#core/schedule';

/** A load that is over: nothing where a person ended it. */
export function observeEtl(model: { id: string; name: string }, run: EtlRun): Observation | null {
  const { status, finishedAt, failure } = run;
  if (finishedAt === null || status === 'cancelled') return null;
  const subject: AlertSubject = { kind: 'etl', id: model.id, name: model.name };
  const told = failure ?? unexplained(`The load ${run.id}`);
  return seen(subject, finishedAt, run.id, status === 'succeeded' ? null : told);
}

/** A pipeline run that is over: nothing where a person ended it. `name`: of its configuration. */
export function observePipeline(name: string, run: PipelineRun): Observation | null {
  const { status, finishedAt } = run;
  if (finishedAt === null || status === 'cancelled') return null;
  const subject: AlertSubject = { kind: 'pipeline', id: run.config, name };
  const rejected: Failure = {
    code: 'gate-refused',
    message: 'The new version did not pass the quality gate; what was live stays live.',
    remedy: 'Look at the run’s metrics beside those of the live version.',
  };
  const cause = run.failure ?? (status === 'rejected' ? rejected : unexplained(`The run ${run.id}`));
  return seen(subject, finishedAt, run.id, status === 'succeeded' ? null : cause);
}

/**
 * A deployment that is live, failed or was taken back; nothing of one that a person stopped, or that another one replaced.
 * One that a person took back is no failure: they know.
 */
export function observeDeployment(
  model: { id: string; name: string },
  deployment: Deployment,
): Observation | null {
  const { status, wish, failure, finishedAt, liveAt, id } = deployment;
  const subject: AlertSubject = { kind: 'deployment', id: model.id, name: model.name };
  if (status === 'live' && liveAt !== null) return seen(subject, liveAt, id, null);
  if (finishedAt === null || (status !== 'failed' && status !== 'rolled-back')) return null;
  const cause = failure ?? wish?.failure ?? null;
  if (status === 'rolled-back' && cause === null) return null;
  return seen(subject, finishedAt, id, cause ?? unexplained(`The deployment ${id}`));
}

/** An occasion of a schedule that is over; nothing where it was left out on purpose. */
export function observeFiring(schedule: { id: string; name: string }, firing: Firing): Observation | null {
  const { concludedAt, reason, id, succeeded } = firing;
  if (concludedAt === null) return null;
  const subject: AlertSubject = { kind: 'schedule', id: schedule.id, name: schedule.name };
  if (succeeded === true) return seen(subject, concludedAt, id, null);
  if (!comesToNothing(firing)) return null;
  return seen(subject, concludedAt, id, reason ?? unexplained('Its run'));
}

function seen(subject: AlertSubject, at: string, evidence: string, cause: Failure | null): Observation {
  return { subject, healthy: cause === null, at, evidence, cause: cause === null ? null : { ...cause } };
}

function unexplained(what: string): Failure {
  return {
    code: 'internal',
    message: `${what} failed, and says no more.`,
    remedy: 'Look at its log.',
  };
}
