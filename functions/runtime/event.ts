import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import type { CloudEventFunction } from '@google-cloud/functions-framework';
import { type GivenUp, LONGEST_DATA } from '#core/dead-letter';
import { BusyError, type Failure, TerminalError, toError, toFailure, TransientError } from '#core/errors';
import {
  DEAD_LETTER_TOPIC,
  EVENTS,
  GIVE_UP_SECONDS,
  MAX_ATTEMPTS,
  type Payload,
  PERIODIC,
  type Topic,
} from '#core/events';
import { redactText } from '#core/redact';
import { traceAttributes } from '#store/store';
import { currentTrace, traced } from '#store/trace';
import { type HeldClaim, takeClaim } from './claim.ts';
import { Envelope, type Message, requestOf, textOf } from './envelope.ts';
import { type Platform, platform } from './platform.ts';

/** A message besides its payload: the same for each delivery of it. */
export interface Received {
  readonly id: string;
  /** When it was published, milliseconds since the epoch; null where the envelope does not say. */
  readonly publishedAt: number | null;
}

/** What a Pub/Sub function does with a topic's messages. Both may run twice for the same payload. */
export interface EventSpec<T extends Topic> {
  readonly handle: (payload: Payload<T>, here: Platform, message: Received) => Promise<void>;
  /** Records on the run that the message came to nothing: a terminal failure, or retries used up. */
  readonly fail: (payload: Payload<T>, failure: Failure, here: Platform) => Promise<void>;
}

/** A function that hears a topic. */
interface Listener<T extends Topic> {
  readonly name: string;
  readonly topic: T;
  readonly spec: EventSpec<T>;
  readonly here: Platform;
}

/**
 * A Pub/Sub function: parse, claim, handle.
 * - A message that cannot be parsed is dead-lettered and acknowledged: trying again cannot help.
 * - A message handled before is acknowledged; one being handled elsewhere is refused for now (Pub/Sub backs off).
 * - TerminalError: recorded by `fail` and acknowledged. Anything else: refused and retried with back-off; after
 *   MAX_ATTEMPTS, and for a TransientError after GIVE_UP_SECONDS too, recorded by `fail`, dead-lettered and acknowledged;
 *   so is a message whose handler kills its process each time, and one whose failure `fail` itself refuses to record.
 *
 * The work belongs to the request that the message goes back to.
 */
export function onEvent<T extends Topic>(
  name: string,
  topic: T,
  spec: EventSpec<T>,
): CloudEventFunction<unknown> {
  return async (event) => {
    const listener = { name, topic, spec, here: platform(name) };
    const envelope = Envelope.safeParse(event.data);
    const requestId = (envelope.success ? requestOf(envelope.data.message) : null) ?? randomUUID();
    await traced({ requestId }, async () => {
      if (!envelope.success) {
        const data = JSON.stringify(event.data ?? null);
        await letterDead(listener, data, 'the envelope is not Pub/Sub’s', null);
        return;
      }
      const text = textOf(envelope.data.message);
      const payload = parsePayload(topic, text);
      if (payload === null)
        await letterDead(listener, text, `the message does not fit the topic ${topic}`, null);
      else await deliver(listener, envelope.data.message, payload);
    });
  };
}

async function deliver<T extends Topic>(
  listener: Listener<T>,
  message: Message,
  payload: Payload<T>,
): Promise<void> {
  const claim = await takeClaim(listener.here.store, listener.name, message);
  if (claim === 'done') return;
  if (claim === 'held') throw new TransientError('message-held', 'The message is being handled elsewhere.');
  try {
    await claim.during(() => attempt(listener, message, claim, payload));
  } catch (thrown) {
    // Should this fail too, the claim runs out by itself.
    await claim.release().catch(() => undefined);
    throw thrown;
  }
  await claim.finish();
}

/** Handles the message, or records that it came to nothing. Throws where it is to be tried again. */
async function attempt<T extends Topic>(
  listener: Listener<T>,
  message: Message,
  claim: HeldClaim,
  payload: Payload<T>,
): Promise<void> {
  const { here, topic, spec } = listener;
  const { attempts } = claim;
  if (claim.lost >= MAX_ATTEMPTS) {
    await giveUp(listener, payload, endedEachTime(topic), attempts);
    return;
  }
  const { messageId } = message;
  try {
    await spec.handle(payload, here, received(message));
  } catch (thrown) {
    if (thrown instanceof BusyError) {
      here.log.info('left to who is at it', { topic, messageId, reason: thrown.message });
      return;
    }
    const spent = isSpent(topic, claim, thrown);
    const detail = { topic, messageId, attempt: attempts, error: inspect(thrown) };
    if (!(thrown instanceof TerminalError) && !spent) {
      here.log.warn('handler failed, will be tried again', detail);
      throw thrown;
    }
    here.log.error('handler failed', detail);
    if (spent) await giveUp(listener, payload, thrown, attempts);
    else if (!(await recorded(listener, payload, thrown)))
      await letterDead(listener, JSON.stringify(payload), toError(thrown).message, attempts);
  }
}

/** Whether a message that failed so is tried no more. What may pass gets the time to; a fault of ours does not go away. */
function isSpent(topic: Topic, claim: HeldClaim, thrown: unknown): boolean {
  if (claim.attempts < MAX_ATTEMPTS) return false;
  const mayPass = thrown instanceof TransientError && !PERIODIC.includes(topic);
  return !mayPass || claim.ageSeconds >= GIVE_UP_SECONDS;
}

function received({ messageId, publishTime = '' }: Message): Received {
  const publishedAt = Date.parse(publishTime);
  return { id: messageId, publishedAt: Number.isNaN(publishedAt) ? null : publishedAt };
}

/** Every attempt was used up: the run says why, and the message is kept for a person to look at. */
async function giveUp<T extends Topic>(
  listener: Listener<T>,
  payload: Payload<T>,
  thrown: unknown,
  attempts: number,
): Promise<void> {
  await recorded(listener, payload, thrown);
  if (PERIODIC.includes(listener.topic)) return;
  await letterDead(listener, JSON.stringify(payload), toError(thrown).message, attempts);
}

/** Whether the failure is on the run now; false where it never can be. */
async function recorded<T extends Topic>(
  { here, topic, spec }: Listener<T>,
  payload: Payload<T>,
  thrown: unknown,
): Promise<boolean> {
  try {
    await spec.fail(payload, toFailure(thrown), here);
    return true;
  } catch (error) {
    if (!(error instanceof TerminalError)) throw error;
    here.log.error('a failure could not be recorded', { topic, error: inspect(error) });
    return false;
  }
}

/** What is said of a message whose handlers never came back to say anything themselves. */
function endedEachTime(topic: Topic): TerminalError {
  return new TerminalError(
    'handler-lost',
    `The work on ${topic} was begun ${MAX_ATTEMPTS} times, and its process ended each time.`,
    {
      remedy: 'Give the function more memory if its log says that it ran out, and start again.',
    },
  );
}

function parsePayload<T extends Topic>(topic: T, text: string): Payload<T> | null {
  try {
    // EVENTS[topic] is the schema of Payload<T>; TypeScript does not carry T through the index.
    return EVENTS[topic].parse(JSON.parse(text)) as Payload<T>;
  } catch {
    return null;
  }
}

async function letterDead<T extends Topic>(
  { here, name, topic }: Listener<T>,
  data: string,
  reason: string,
  attempts: number | null,
): Promise<void> {
  here.log.error('message dead-lettered', { topic, reason });
  const letter: GivenUp = {
    topic,
    data: data.slice(0, LONGEST_DATA),
    reason: redactText(reason),
    function: name,
    attempts,
  };
  await here.store.bus.publish(DEAD_LETTER_TOPIC, letter, traceAttributes(currentTrace()?.requestId ?? null));
}
