import { z } from 'zod';
import { DeadLetter } from '../dead-letter.ts';
import { Id } from '../ids.ts';
import { contract, Page, pageOf } from './contract.ts';

/** A message that came to nothing, as lists show it: without its data. */
export const DeadLetterLine = DeadLetter.omit({ data: true });

export const listDeadLetters = contract({
  method: 'GET',
  path: '/api/control-plane/dead-letters',
  access: 'operator',
  summary: 'Messages that came to nothing, newest first.',
  query: Page.extend({
    state: DeadLetter.shape.state.optional(),
    topic: z.string().max(100).optional(),
    tenant: Id.optional(),
  }),
  answer: pageOf(DeadLetterLine),
});

export const getDeadLetter = contract({
  method: 'GET',
  path: '/api/control-plane/dead-letters/{letter}',
  access: 'operator',
  summary: 'One message that came to nothing, with its data.',
  answer: DeadLetter,
});

export const replayDeadLetter = contract({
  method: 'POST',
  path: '/api/control-plane/dead-letters/{letter}/replay',
  access: 'operator',
  summary: 'Publish the message again under its topic, once.',
  answer: DeadLetter,
  rate: 'trigger',
});

export const discardDeadLetter = contract({
  method: 'POST',
  path: '/api/control-plane/dead-letters/{letter}/discard',
  access: 'operator',
  summary: 'Decide that the message is not worth another try.',
  answer: DeadLetter,
});
