import { DEAD_LETTER_TOPIC } from '#core/events';
import { eventDeploy } from '#runtime/deploy';
import { onLetter } from '#runtime/letter';
import { keepLetter } from '#store/dead-letters';

export const deploy = eventDeploy(DEAD_LETTER_TOPIC);

export const handler = onLetter('control-plane-dead-letter', async (letter, { store, log }) => {
  const { id, topic, tenant, reason } = await keepLetter(store, letter);
  log.error('a message came to nothing and waits for an operator', { letter: id, topic, tenant, reason });
});
