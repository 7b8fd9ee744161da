import { createHash } from 'node:crypto';
import type { CloudEventFunction } from '@google-cloud/functions-framework';
import { GivenUp, isTopic, LONGEST_DATA } from '#core/dead-letter';
import { traced } from '#store/trace';
import { Envelope, type Message, requestOf, textOf } from './envelope.ts';
import { type Platform, platform } from './platform.ts';

/** A message that came to nothing, whoever gave it up. */
export interface Letter extends GivenUp {
  /** The same for each delivery of it: Pub/Sub may dead-letter a message more than once. */
  readonly key: string;
  readonly requestId: string | null;
}

/**
 * The function that hears the dead-letter topic. It refuses nothing, whatever it is sent: what throws is delivered again
 * until it has been kept. `keep` may be called twice with the same letter.
 */
export function onLetter(
  name: string,
  keep: (letter: Letter, here: Platform) => Promise<void>,
): CloudEventFunction<unknown> {
  return async (event) => {
    const here = platform(name);
    const letter = readLetter(event.data);
    const work = () => keep(letter, here);
    await (letter.requestId === null ? work() : traced({ requestId: letter.requestId }, work));
  };
}

/** The letter in what was delivered. Three kinds: a function's, Pub/Sub's own, and what is neither. */
export function readLetter(delivered: unknown): Letter {
  const envelope = Envelope.safeParse(delivered);
  if (!envelope.success) {
    const data = JSON.stringify(delivered ?? null).slice(0, LONGEST_DATA);
    return { ...unreadable(data, 'The envelope is not Pub/Sub’s.'), key: digest(data), requestId: null };
  }
  const { message } = envelope.data;
  const base = { requestId: requestOf(message) };
  const source = message.attributes?.['CloudPubSubDeadLetterSourceSubscription'];
  if (source !== undefined) return { ...base, ...undelivered(message, source) };
  const key = digest([message.messageId, message.publishTime ?? ''].join('\n'));
  const text = textOf(message);
  return { ...base, ...(givenUp(text) ?? unreadable(text, 'Nothing says why it is here.')), key };
}

/** A message that Pub/Sub could not deliver: the function could not be called, or never answered well. */
function undelivered(message: Message, source: string): Omit<Letter, 'requestId'> {
  const attributes = message.attributes ?? {};
  const named = attributes['topic'] ?? '';
  const count = Number(attributes['CloudPubSubDeadLetterSourceDeliveryCount']);
  const published = attributes['CloudPubSubDeadLetterSourceTopicPublishTime'] ?? '';
  const data = textOf(message).slice(0, LONGEST_DATA);
  return {
    topic: isTopic(named) ? named : 'unknown',
    data,
    reason: 'Pub/Sub could not deliver it: the function could not be called, or answered with errors.',
    // Eventarc puts its prefix before the function's name.
    function: source.replace(/^eventarc-/, '').slice(0, 200),
    attempts: Number.isInteger(count) && count > 0 ? count : null,
    // Forwarded twice it gets two ids of its own; whence it came stays the same.
    key: digest(published === '' ? message.messageId : [source, published, data].join('\n')),
  };
}

function givenUp(text: string): GivenUp | null {
  try {
    return GivenUp.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

function unreadable(data: string, reason: string): GivenUp {
  return { topic: 'unknown', data: data.slice(0, LONGEST_DATA), reason, function: null, attempts: null };
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
