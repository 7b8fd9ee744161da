import { setTimeout as sleep } from 'node:timers/promises';
import { toEnvironment } from '#core/container-env';
import type { Deployment } from '#core/deployment';
import { TerminalError } from '#core/errors';
import { datasetNames } from '#core/model';
import type { DeploymentSettings } from '#core/pipeline-config';
import { containerEnv } from '#runtime/container-env';
import { serviceAccountEmail } from '#runtime/deploy';
import { RECOMMENDER_SIZE } from './recommender-size.ts';
import { readDeployment, type Scene, TAG } from './scene.ts';
import { verifyKey } from './verify-key.ts';

/** How long one call waits for a revision to start. */
export const PATIENCE_SECONDS = 45;
/** How long a revision may take to start at all. */
const START_LIMIT_SECONDS = 600;
const POLL_MS = 300;

/** A revision of the deployment's version, as it is to be. */
export interface WantedRevision {
  readonly name: string;
  /** The deployment whose name it carries. */
  readonly speaksAs: string;
  readonly settings: DeploymentSettings;
  /** When it was first asked for, a Moment. */
  readonly since: string;
}

/**
 * Sees that the revision is in the service and answers at an address of its own, whatever the traffic. One that is still
 * there is used; one that is not is put.
 * @returns its address; null where it still starts, or what is wanted of the deployment has changed meanwhile.
 * @throws TerminalError with the container's reason
 */
export async function bringUp(scene: Scene, wanted: WantedRevision): Promise<string | null> {
  const { platform, service, store } = scene;
  if ((await platform.revision(service, wanted.name)) === null) await putRevision(scene, wanted);
  else await tag(scene, wanted.name);
  const deadline = store.clock() + PATIENCE_SECONDS * 1000;
  for (;;) {
    const address = await addressOf(scene, wanted.name);
    if (address !== null) return address;
    const now = store.clock();
    if (now - Date.parse(wanted.since) > START_LIMIT_SECONDS * 1000)
      throw new TerminalError(
        'revision-not-ready',
        `The new revision was not ready within ${START_LIMIT_SECONDS} seconds.`,
        { remedy: 'Deploy again; if it happens again, see the service’s log.' },
      );
    if (now + POLL_MS > deadline) return null;
    await sleep(POLL_MS);
    if ((await readDeployment(scene, scene.ids)).wish !== null) return null;
  }
}

/** Where the revision answers once it is ready; null while it starts. */
async function addressOf({ platform, service }: Scene, name: string): Promise<string | null> {
  const [state, revision] = await Promise.all([platform.service(service), platform.revision(service, name)]);
  if (state === null || revision === null) return null;
  // What Cloud Run says of the service is about its newest revision.
  const failure = revision.failure ?? (state.newest === name ? state.failure : null);
  if (failure !== null)
    throw new TerminalError('revision-failed', `The new revision did not start: ${failure}`, {
      remedy: 'See the last lines of its log; what was live before stays live.',
    });
  const settled = state.newest === name ? state.ready : revision.ready;
  return settled && state.tags[TAG] === name ? (state.tagUrls[TAG] ?? null) : null;
}

/** Gives a revision that is there the tag under which it answers; what has traffic keeps it. */
async function tag({ platform, service, guard }: Scene, revision: string): Promise<void> {
  const state = await platform.service(service);
  if (state === null || state.tags[TAG] === revision) return;
  const shares = Object.entries(state.traffic).map(([name, percent]) => ({ revision: name, percent }));
  await platform.direct(service, shares, { tag: TAG, revision }, guard);
}

async function putRevision(scene: Scene, { name, speaksAs, settings }: WantedRevision): Promise<void> {
  const { ids, tenant, version, config } = scene;
  const key = verifyKey(config.installationKey, ids.tenant, speaksAs);
  await scene.platform.putRevision(
    scene.service,
    {
      name,
      image: config.imageOf('deployments-recommender'),
      env: {
        ...containerEnv(config),
        ...toEnvironment({
          TRADEWIND_TENANT: ids.tenant,
          TRADEWIND_MODEL: ids.model,
          TRADEWIND_VERSION: version.id,
          TRADEWIND_DEPLOYMENT: speaksAs,
          TRADEWIND_ARTIFACT: version.artifact,
          TRADEWIND_ARTIFACT_SHA256: version.sha256,
          TRADEWIND_DATA_PROJECT: tenant.cloud.projectId,
          TRADEWIND_DATA_LOCATION: tenant.cloud.location,
          TRADEWIND_LOGS_DATASET: datasetNames(tenant.cloud, ids.tenant, ids.model).logs,
          TRADEWIND_VERIFY_KEY: Buffer.from(key).toString('base64'),
        }),
      },
      ...RECOMMENDER_SIZE,
      concurrency: settings.concurrency,
      minInstances: settings.minInstances,
      maxInstances: settings.maxInstances,
      serviceAccount: serviceAccountEmail(config.projectId, 'recommender'),
    },
    TAG,
    scene.guard,
  );
}

/** Whom the revision's verifier asks: see smoke-test.ts. */
export function candidateOf(
  { ids, version, config }: Scene,
  { speaksAs }: Pick<Deployment, 'speaksAs'>,
  url: string,
) {
  const deployment = speaksAs ?? ids.deployment;
  return {
    url,
    deployment,
    version: version.id,
    key: verifyKey(config.installationKey, ids.tenant, deployment),
  };
}
