import type { Deployment, Wish } from '#core/deployment';
import { giveBack, recordStopped } from './end.ts';
import { lastLines } from './last-lines.ts';
import { type Scene, takeOut } from './scene.ts';
import { openAll } from './take-over.ts';

/** Does what is wished of the deployment: first in Cloud Run, then in the records. */
export async function obey(scene: Scene, deployment: Deployment, wish: Wish): Promise<'moved'> {
  const { ids, store, platform, service, log } = scene;
  if (wish.kind === 'promote') {
    await openAll(scene, { url: deployment.url });
  } else if (deployment.status === 'live') {
    // Traffic cannot go nowhere: a service that is to answer no more is deleted. Opening an earlier deployment makes it anew.
    await platform.deleteService(service, scene.guard);
    await recordStopped(store, ids);
    log.info('deployment stopped', { deployment: ids.deployment });
  } else {
    await takeOut(scene);
    // Only what has had a share can be rolled back; what has not simply ends.
    const event = deployment.status === 'canary' ? wish.kind : 'stop';
    const lines = wish.failure === null ? [] : await lastLines(store, ids, deployment);
    await giveBack(store, ids, event, wish.failure, lines);
    log.info('deployment taken out', { deployment: ids.deployment, wish: wish.kind });
  }
  return 'moved';
}
