import { z } from 'zod';
import { DEAD_LETTER_TOPIC, EVENTS, type Topic } from './events.ts';
import { Id, Moment } from './ids.ts';

/** Longest data of a message that is kept, in characters. */
export const LONGEST_DATA = 10_000;

/** What a function says of a message it gave up: the messages of DEAD_LETTER_TOPIC that are not Pub/Sub's own. */
export const GivenUp = z.object({
  topic: z.string(),
  /** The message as it came, usually JSON. */
  data: z.string(),
  reason: z.string(),
  function: z.string().nullable().default(null),
  attempts: z.int().nullable().default(null),
});
export type GivenUp = z.infer<typeof GivenUp>;

/**
 * A message that came to nothing: `deadLetters/{id}`.
 *
 *   waiting ──replay──▶ replayed     published again; should that come to nothing too, it is another letter
 *      └─────discard──▶ discarded
 */
export const DeadLetter = z.object({
  id: Id,
  /** The topic it came by; `unknown` where nothing says. */
  topic: z.string(),
  data: z.string(),
  reason: z.string(),
  function: z.string().nullable(),
  attempts: z.int().nullable(),
  tenant: Id.nullable(),
  model: Id.nullable(),
  requestId: z.string().nullable(),
  at: Moment,
  state: z.enum(['waiting', 'replayed', 'discarded']),
  decidedBy: z.string().nullable(),
  decidedAt: Moment.nullable(),
});
export type DeadLetter = z.infer<typeof DeadLetter>;

/** Whether `topic` is one that messages can be published under. */
export function isTopic(topic: string): topic is Topic {
  return topic !== DEAD_LETTER_TOPIC && Object.hasOwn(EVENTS, topic);
}

const Whose = z.object({ tenant: Id.nullable().catch(null), model: Id.nullable().catch(null) });

/** Whose message it was, as far as its data can be read. */
export function whoseData(data: string): { readonly tenant: string | null; readonly model: string | null } {
  try {
    return Whose.parse(JSON.parse(data));
  } catch {
    return { tenant: null, model: null };
  }
}
