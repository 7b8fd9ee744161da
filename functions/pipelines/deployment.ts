import { Deployment, isOnItsWay } from '#core/deployment';
import { type Failure, TerminalError, toFailure } from '#core/errors';
import { paths } from '#core/paths';
import { Version } from '#core/version';
import { requestDeployment, requestStop } from '#store/deployment';
import { commitFenced } from '#store/lease';
import { mustRead, read } from '#store/document';
import { versionIdOf } from './version-id.ts';
import type { StageContext, StageOutcome, StageWork, Stopping } from './run-context.ts';

/** Deployment: asks for the version's deployment, unless the configuration leaves that to people, and awaits its end. */
export const deployment: StageWork = {
  stage: 'deployment',
  skips: (run) => !run.settings.deployment.automatic,
  advance,
  stop,
  // What a service costs is the deployment's, not the run's.
  spent: () => Promise.resolve({ bytesScanned: 0, trainingSeconds: 0 }),
};

const NOT_ALLOWED: Failure = {
  code: 'may-not-deploy',
  message: 'The run was started by, or on behalf of, an API key without the scope deploy.',
  remedy: 'Deploy the version yourself, or give the key the scope.',
};

/** The deployment a run makes: its id follows from the run's. */
function deploymentIdOf(run: string): string {
  return `d${run.slice(1)}`;
}

async function advance(context: StageContext): Promise<StageOutcome> {
  const { ids, store } = context;
  const id = deploymentIdOf(ids.run);
  const found = await read(store, paths.deployment(ids.tenant, ids.model, id), Deployment);
  if (found === null) return ask(context, id);
  if (isOnItsWay(found.value.status)) return { state: 'running', executor: id };
  switch (found.value.status) {
    case 'live':
    case 'superseded':
      return { state: 'done', found: { deployment: id } };
    default:
      return {
        state: 'failed',
        failure: found.value.failure ?? {
          code: 'deployment-stopped',
          message: `The deployment ${id} was stopped.`,
          remedy: 'Deploy the version again.',
        },
      };
  }
}

async function ask(context: StageContext, id: string): Promise<StageOutcome> {
  const { ids, run, store, lease } = context;
  if (!run.mayDeploy) return { state: 'left', why: NOT_ALLOWED };
  const { automatic: _, ...settings } = run.settings.deployment;
  const path = paths.version(ids.tenant, ids.model, run.version ?? versionIdOf(ids.run));
  const version = await mustRead(store, path, Version, 'version');
  await commitFenced(store, lease, []);
  try {
    const asked = await requestDeployment(store, {
      tenant: ids.tenant,
      model: ids.model,
      id,
      version: version.value,
      run: ids.run,
      settings,
      requestedBy: run.requestedBy,
    });
    if (!asked.created && asked.id !== id)
      context.log.info('deployment: waiting for another one of this model to end', { deployment: asked.id });
    return { state: 'running', executor: id };
  } catch (thrown) {
    // The model is set so that a person approves each version: the run has done what it could.
    if (thrown instanceof TerminalError && thrown.code === 'version-unapproved')
      return { state: 'left', why: toFailure(thrown) };
    throw thrown;
  }
}

/** The deployment's own driver takes its revision out; one that has gone live meanwhile stays. */
async function stop({ ids, run, store }: StageContext): Promise<Stopping> {
  const deployment = deploymentIdOf(ids.run);
  const path = paths.deployment(ids.tenant, ids.model, deployment);
  if ((await read(store, path, Deployment)) === null) return 'stopped';
  const at = { tenant: ids.tenant, model: ids.model, deployment };
  const onItsWay = await requestStop(store, at, run.cancelRequestedBy ?? 'system');
  if (onItsWay !== null) return 'stopping';
  const { status } = (await mustRead(store, path, Deployment, 'deployment')).value;
  return status === 'live' || status === 'superseded' ? 'done' : 'stopped';
}
