import { DeadLetter, type GivenUp, whoseData } from '#core/dead-letter';
import { TerminalError } from '#core/errors';
import { paths } from '#core/paths';
import { create } from './document.ts';
import { idFrom, now, type Store } from './store.ts';

/** A message to be kept. `key`: the same however often it comes. */
export type KeptLetter = GivenUp & { readonly key: string; readonly requestId: string | null };

/**
 * Keeps a message that came to nothing, once, until a person has decided on it. A letter that does not fit the schema is
 * cut to what does: nothing is refused here.
 */
export async function keepLetter(store: Store, letter: KeptLetter): Promise<DeadLetter> {
  const { topic, data, reason, function: by, attempts, requestId, key } = letter;
  const id = idFrom('l', key);
  return create(store, paths.deadLetter(id), DeadLetter, {
    id,
    topic,
    data,
    reason,
    function: by,
    attempts,
    ...whoseData(data),
    requestId,
    at: now(store),
    state: 'waiting',
    decidedBy: null,
    decidedAt: null,
  });
}

/** What is said where a letter was decided on otherwise before. */
export function decidedOtherwise({ id, state }: Pick<DeadLetter, 'id' | 'state'>): TerminalError {
  return new TerminalError('conflict', `The message ${id} was ${state} before.`, {
    remedy: 'A message is replayed or discarded, once.',
  });
}
