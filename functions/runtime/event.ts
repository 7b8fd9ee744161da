import { inspect } from 'node:util';
import type { CloudEventFunction } from '@google-cloud/functions-framework';
import { z } from 'zod';
import { BusyError, type Failure, TerminalError, toError, toFailure, TransientError } from '#core/errors';
import { DEAD_LETTER_TOPIC, EVENTS, MAX_ATTEMPTS, type Payload, type Topic } from '#core/events';
import { takeClaim } from './claim.ts';
import { type Platform, platform } from './platform.ts';

/** What a Pub/Sub function does with a topic's messages. Both may run twice for the same payload. */
export interface EventSpec<T extends Topic> {
  readonly handle: (payload: Payload<T>, here: Platform) => Promise<void>;
  /** Records on the run that the message came to nothing: a terminal failure, or retries used up. */
  readonly fail: (payload: Payload<T>, failure: Failure, here: Platform) => Promise<void>;
}

/** A Pub/Sub message in its Eventarc envelope. */
const Envelope = z.object({
  message: z.object({
    data: z.string().default(''),
    messageId: z.string().min(1),
    publishTime: z.string().optional(),
  }),
});
type Message = z.output<typeof Envelope>['message'];

/**
 * A Pub/Sub function: parse, claim, handle.
 * - A message that cannot be parsed is dead-lettered and acknowledged: trying again cannot help.
 * - A message handled before is acknowledged; one being handled elsewhere is refused for now (Pub/Sub backs off).
 * - TerminalError: recorded by `fail` and acknowledged. Anything else: refused and retried with back-off; after
 *   MAX_ATTEMPTS recorded by `fail`, dead-lettered and acknowledged; so is a message whose handler kills its process
 *   each time, and one whose failure `fail` itself refuses to record.
 */
export function onEvent<T extends Topic>(
  name: string,
  topic: T,
  spec: EventSpec<T>,
): CloudEventFunction<unknown> {
  return async (event) => {
    const here = platform(name);
    const envelope = Envelope.safeParse(event.data);
    if (!envelope.success) {
      await letterDead(
        here,
        topic,
        JSON.stringify(event.data ?? null).slice(0, 10_000),
        'the envelope is not Pub/Sub’s',
      );
      return;
    }
    const text = Buffer.from(envelope.data.message.data, 'base64').toString('utf8');
    const payload = parsePayload(topic, text);
    if (payload === null) {
      await letterDead(here, topic, text.slice(0, 10_000), `the message does not fit the topic ${topic}`);
      return;
    }
    await deliver(here, name, topic, envelope.data.message, payload, spec);
  };
}

async function deliver<T extends Topic>(
  here: Platform,
  name: string,
  topic: T,
  message: Message,
  payload: Payload<T>,
  spec: EventSpec<T>,
): Promise<void> {
  const { messageId } = message;
  const claim = await takeClaim(here.store, name, message);
  if (claim === 'done') return;
  if (claim === 'held') throw new TransientError('message-held', 'The message is being handled elsewhere.');
  try {
    await claim.during(() => attempt(here, topic, messageId, claim.attempts, payload, spec));
  } catch (thrown) {
    // Should this fail too, the claim runs out by itself.
    await claim.release().catch(() => undefined);
    throw thrown;
  }
  await claim.finish();
}

/** Handles the message, or records that it came to nothing. Throws where it is to be tried again. */
async function attempt<T extends Topic>(
  here: Platform,
  topic: T,
  messageId: string,
  attempts: number,
  payload: Payload<T>,
  spec: EventSpec<T>,
): Promise<void> {
  if (attempts > MAX_ATTEMPTS) {
    await giveUp(here, topic, payload, spec, endedEachTime(topic));
    return;
  }
  try {
    await spec.handle(payload, here);
  } catch (thrown) {
    if (thrown instanceof BusyError) {
      here.log.info('left to who is at it', { topic, messageId, reason: thrown.message });
      return;
    }
    const spent = attempts === MAX_ATTEMPTS;
    const detail = { topic, messageId, attempt: attempts, error: inspect(thrown) };
    if (!(thrown instanceof TerminalError) && !spent) {
      here.log.warn('handler failed, will be tried again', detail);
      throw thrown;
    }
    here.log.error('handler failed', detail);
    if (spent) await giveUp(here, topic, payload, spec, thrown);
    else if (!(await recorded(here, topic, payload, spec, thrown)))
      await letterDead(here, topic, JSON.stringify(payload), toError(thrown).message);
  }
}

/** Every attempt was used up: the run says why, and the message is kept for a person to look at. */
async function giveUp<T extends Topic>(
  here: Platform,
  topic: T,
  payload: Payload<T>,
  spec: EventSpec<T>,
  thrown: unknown,
): Promise<void> {
  await recorded(here, topic, payload, spec, thrown);
  await letterDead(here, topic, JSON.stringify(payload), toError(thrown).message);
}

/** Whether the failure is on the run now; false where it never can be. */
async function recorded<T extends Topic>(
  here: Platform,
  topic: T,
  payload: Payload<T>,
  spec: EventSpec<T>,
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

async function letterDead(here: Platform, topic: Topic, data: string, reason: string): Promise<void> {
  here.log.error('message dead-lettered', { topic, reason });
  await here.store.bus.publish(DEAD_LETTER_TOPIC, { topic, data, reason });
}
