/* What people's requests do, as the API functions call it: part of the bundle. */
import type { Overlap } from '#core/events';
import { paths } from '#core/paths';
import { DeploymentSettings } from '#core/pipeline-config';
import { Tenant } from '#core/tenant';
import { platform } from '#runtime/platform';
import { mustRead } from '#store/document';
import { traced } from '#store/trace';
import { rescale, stop } from '../../functions/deployments/change-live.ts';
import { rollBack } from '../../functions/deployments/roll-back.ts';
import { readTraffic, splitTraffic as writeSplit } from '../../functions/deployments/split.ts';
import { start } from '../../functions/deployments/start.ts';
import { cancelRun } from '../../functions/etl/cancel.ts';
import { retryRun } from '../../functions/etl/retry.ts';
import { startRun as startEtlRun } from '../../functions/etl/start.ts';
import { requestCancel } from '../../functions/pipelines/cancel.ts';
import { rerun } from '../../functions/pipelines/rerun.ts';
import { startRun as startPipelineRun } from '../../functions/pipelines/start.ts';

/** A person's request. `key`: its Idempotency-Key; the same when the same request is made once more. */
export interface Request {
  readonly tenant: string;
  readonly model: string;
  readonly actor: string;
  readonly key: string;
}
/** A request about a run or deployment. */
export interface RunRequest extends Request {
  readonly run: string;
}
interface Overlapping {
  readonly overlap: Overlap;
}

// Each answers with the id of the run that it led to.

export const startEtl = (request: Request & Overlapping): Promise<string> =>
  asked(request, () => startEtlRun(platform('api').store, request, { ...request, trigger: 'person' }));

export const cancelEtl = (request: RunRequest): Promise<string> =>
  asked(request, () => cancelRun(platform('api').store, request, request.actor));

export const retryEtl = (request: RunRequest & Overlapping): Promise<string> =>
  asked(request, () => retryRun(platform('api').store, request, { ...request, trigger: 'person' }));

export const startPipeline = (
  request: Request & Overlapping & { readonly config: string; readonly dataset: string },
): Promise<string> =>
  asked(request, async () => {
    const { store, config } = platform('api');
    const tenant = await tenantOf(request);
    return startPipelineRun(store, config, { ...request, tenant, trigger: 'person', mayDeploy: true });
  });

export const cancelPipeline = (request: RunRequest): Promise<string> =>
  asked(request, () => requestCancel(platform('api').store, request, request.actor));

export const rerunPipeline = (request: RunRequest & Overlapping): Promise<string> =>
  asked(request, async () => {
    const { store, config } = platform('api');
    return rerun(store, config, {
      ...request,
      tenant: await tenantOf(request),
      trigger: 'person',
      mayDeploy: true,
    });
  });

export const startDeployment = (
  request: Request & { readonly version: string; readonly settings: object },
): Promise<string> =>
  asked(request, () => {
    const wanted = { version: request.version, settings: DeploymentSettings.parse(request.settings) };
    return start(platform('api').store, request, request.actor, wanted);
  });

export const stopDeployment = (request: RunRequest): Promise<string> =>
  asked(request, () => stop(platform('api').store, deploymentOf(request), request.actor, true));

export const rollBackDeployment = (request: RunRequest): Promise<string> =>
  asked(request, () => rollBack(platform('api').store, deploymentOf(request), request.actor, undefined));

export const rescaleDeployment = (request: RunRequest): Promise<string> =>
  asked(request, () =>
    rescale(platform('api').store, deploymentOf(request), request.actor, { maxInstances: 5 }),
  );

/** The canary gets this share. @returns its id */
export const splitTraffic = (request: Request & { readonly percent: number }): Promise<string> =>
  asked(request, async () => {
    const { store } = platform('api');
    const { live, canary } = await readTraffic(store, request);
    if (live === null || canary === null) return { id: canary ?? live ?? 'none' };
    const { percent } = request;
    const split = [
      { deployment: live, percent: 100 - percent },
      { deployment: canary, percent },
    ];
    await writeSplit(store, request, request.actor, split, true);
    return { id: canary };
  });

function deploymentOf({ tenant, model, run }: RunRequest) {
  return { tenant, model, deployment: run };
}

async function asked({ key }: Request, work: () => Promise<{ readonly id: string }>): Promise<string> {
  return (await traced({ requestId: key, idSeed: key }, work)).id;
}

async function tenantOf({ tenant }: Request): Promise<Tenant> {
  return (await mustRead(platform('api').store, paths.tenant(tenant), Tenant, 'tenant')).value;
}
