import { eventDeploy } from '#runtime/deploy';
import { onEvent } from '#runtime/event';
import { tidyLeftovers } from './leftovers.ts';
import { watchRuns } from './watch.ts';

export const deploy = eventDeploy('tick', { timeoutSeconds: 300 });

export const handler = onEvent('pipelines-watch', 'tick', {
  async handle(_, here) {
    await Promise.all([watchRuns(here), tidyLeftovers(here)]);
  },
  // A tick that failed is followed by another within a minute.
  fail: () => Promise.resolve(),
});
