import { eventDeploy } from '#runtime/deploy';
import { onEvent } from '#runtime/event';
import { purgeWhatIsDue } from './purge.ts';

export const deploy = eventDeploy('tick', { timeoutSeconds: 400 });

export const handler = onEvent('models-purge', 'tick', {
  async handle(_, here) {
    await purgeWhatIsDue(here);
  },
  // What is due stays due: the next tick goes on.
  fail: () => Promise.resolve(),
});
