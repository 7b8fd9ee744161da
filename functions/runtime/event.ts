import { createHash } from 'node:crypto';
import { inspect } from 'node:util';
import type { CloudEventFunction } from '@google-cloud/functions-framework';
import { z } from 'zod';
import { ConflictError } from '#cloud/firestore';
import { BusyError, type Failure, TerminalError, toError, toFailure, TransientError } from '#core/errors';
import { DEAD_LETTER_TOPIC, EVENTS, MAX_ATTEMPTS, type Payload, type Topic } from '#core/events';
import { paths } from '#core/paths';
import type { Store } from '#store/store';
import { type Platform, platform } from './platform.ts';

/** What a Pub/Sub function does with a topic's messages. Both may run twice for the same payload. */
export interface EventSpec<T extends Topic> {
  readonly handle: (payload: Payload<T>, here: Platform) => Promise<void>;
  /** Records on the run that the message came to nothing: a terminal failure, or retries used up. */
  readonly fail: (payload: Payload<T>, failure: Failure, here: Platform) => Promise<void>;
}

/** How long a claim holds; a handler that takes longer must be safe to run twice, and all are. */
const CLAIM_SECONDS = 90;

/** A Pub/Sub message in its Eventarc envelope. */
const Envelope = z.object({
  message: z.object({
    data: z.string().default(''),
    messageId: z.string().min(1),
    publishTime: z.string().optional(),
  }),
});
type Message = z.output<typeof Envelope>['message'];

const Claim = z.object({ attempts: z.int(), until: z.number(), done: z.boolean() });

/**
 * A Pub/Sub function: parse, claim, handle.
 * - A message that cannot be parsed is dead-lettered and acknowledged: trying again cannot help.
 * - A message handled before is acknowledged; one being handled elsewhere is refused for now (Pub/Sub backs off).
 * - TerminalError: recorded by `fail` and acknowledged. Anything else: refused and retried with back-off; after
 *   MAX_ATTEMPTS recorded by `fail`, dead-lettered and acknowledged.
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
    await spec.handle(payload, here);
  } catch (thrown) {
    if (thrown instanceof BusyError) {
      here.log.info('left to who is at it', { topic, messageId, reason: thrown.message });
      await claim.finish();
      return;
    }
    const spent = claim.attempts >= MAX_ATTEMPTS;
    const detail = { topic, messageId, attempt: claim.attempts, error: inspect(thrown) };
    if (!(thrown instanceof TerminalError) && !spent) {
      here.log.warn('handler failed, will be tried again', detail);
      await claim.release();
      throw thrown;
    }
    here.log.error('handler failed', detail);
    await spec.fail(payload, toFailure(thrown), here);
    if (spent) await letterDead(here, topic, JSON.stringify(payload), toError(thrown).message);
  }
  await claim.finish();
}

function parsePayload<T extends Topic>(topic: T, text: string): Payload<T> | null {
  try {
    // EVENTS[topic] is the schema of Payload<T>; TypeScript does not carry T through the index.
    return EVENTS[topic].parse(JSON.parse(text)) as Payload<T>;
  } catch {
    return null;
  }
}

interface HeldClaim {
  /** Tries so far, this one included. */
  readonly attempts: number;
  readonly finish: () => Promise<void>;
  readonly release: () => Promise<void>;
}

/**
 * One claim per function and message: several functions may hear one topic. The moment of publishing, the same however
 * often a message comes, belongs to its name: Google's emulator counts its ids from 1 again whenever it starts.
 */
async function takeClaim(
  store: Store,
  name: string,
  { messageId, publishTime = '' }: Message,
): Promise<HeldClaim | 'done' | 'held'> {
  const id = createHash('sha256').update(`${name}\n${messageId}\n${publishTime}`).digest('hex');
  const path = paths.claim(id.slice(0, 40));
  const found = await store.db.get(path);
  const current = found === null ? null : Claim.parse(found.data);
  if (current?.done === true) return 'done';
  if (current !== null && current.until > store.clock()) return 'held';
  const attempts = (current?.attempts ?? 0) + 1;
  // expireAt: Firestore's TTL policy on `claims` removes it a day after the longest redelivery.
  const expireAt = new Date(store.clock() + 8 * 86_400_000);
  const data = { attempts, until: store.clock() + CLAIM_SECONDS * 1000, done: false, expireAt };
  try {
    await store.db.commit([
      found === null
        ? { kind: 'create', path, data }
        : { kind: 'update', path, data, version: found.version },
    ]);
  } catch (error) {
    if (error instanceof ConflictError) return 'held';
    throw error;
  }
  const write = (change: object) => store.db.commit([{ kind: 'set', path, data: { ...data, ...change } }]);
  return { attempts, finish: () => write({ done: true }), release: () => write({ until: 0 }) };
}

async function letterDead(here: Platform, topic: Topic, data: string, reason: string): Promise<void> {
  here.log.error('message dead-lettered', { topic, reason });
  await here.store.bus.publish(DEAD_LETTER_TOPIC, { topic, data, reason });
}
