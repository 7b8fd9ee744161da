import { Deployment } from '#core/deployment';
import { paths } from '#core/paths';
import { Version } from '#core/version';
import { requestDeployment } from '#store/deployment';
import { mustRead, read } from '#store/document';
import { versionIdOf } from './conclude-training.ts';
import type { StageContext, StageOutcome, StageWork } from './drive.ts';

/** Deployment: asks for the version's deployment, unless the configuration leaves that to people, and awaits its end. */
export const deployment: StageWork = {
  stage: 'deployment',
  skips: (run) => !run.settings.deployment.automatic,
  advance,
};

async function advance(context: StageContext): Promise<StageOutcome> {
  const { ids, run, store } = context;
  const { automatic: _, ...settings } = run.settings.deployment;
  const id = `d${ids.run.slice(1)}`;
  const found = await read(store, paths.deployment(ids.tenant, ids.model, id), Deployment);
  if (found === null) {
    const path = paths.version(ids.tenant, ids.model, run.version ?? versionIdOf(ids.run));
    const version = await mustRead(store, path, Version, 'version');
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
  }
  switch (found.value.status) {
    case 'creating':
    case 'verifying':
      return { state: 'running', executor: id };
    case 'failed':
    case 'stopped':
      return {
        state: 'failed',
        failure: found.value.failure ?? {
          code: 'deployment-stopped',
          message: `The deployment ${id} was stopped.`,
          remedy: 'Deploy the version again.',
        },
      };
    default:
      return { state: 'done', found: { deployment: id } };
  }
}
