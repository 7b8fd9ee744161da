import type { z } from 'zod';
import type { listDeadLetters } from '#core/api/control-plane';
import { INSTALLATION } from '#core/audit';
import { DeadLetter, isTopic } from '#core/dead-letter';
import { TerminalError } from '#core/errors';
import { type Announcement, EVENTS } from '#core/events';
import { paths } from '#core/paths';
import { Tenant } from '#core/tenant';
import { decidedOtherwise } from '#store/dead-letters';
import { mustRead, read, readPage, revise } from '#store/document';
import { type AuditEntry, now, type Store } from '#store/store';

/** How long a letter is kept once a person has decided on it. */
const KEPT_DAYS = 30;

/** One page of the letters that fit, newest first. */
export async function list(store: Store, query: z.output<typeof listDeadLetters.query>) {
  const { state, topic, tenant, ...page } = query;
  return readPage(store, paths.deadLetters, DeadLetter, { ...page, sort: 'at' }, { state, topic, tenant });
}

/** One letter. @throws TerminalError `not-found` */
export async function get(store: Store, letter: string): Promise<DeadLetter> {
  return (await mustRead(store, paths.deadLetter(letter), DeadLetter, 'message')).value;
}

/**
 * Publishes the letter's message again, in the batch that marks it so: a letter is replayed once, however often that is
 * asked. Should its message come to nothing again, that is another letter.
 * @throws TerminalError `not-found`, `conflict` (it was discarded), `not-replayable`
 */
export function replay(store: Store, letter: string, operator: string): Promise<DeadLetter> {
  return decide(store, letter, operator, 'replayed', (current) => [messageIn(current)]);
}

/** Marks the letter as done with. May be asked again. @throws TerminalError `not-found`, `conflict` (it was replayed) */
export function discard(store: Store, letter: string, operator: string): Promise<DeadLetter> {
  return decide(store, letter, operator, 'discarded', () => []);
}

async function decide(
  store: Store,
  letter: string,
  operator: string,
  state: 'replayed' | 'discarded',
  announcements: (current: DeadLetter) => readonly Announcement[],
): Promise<DeadLetter> {
  const path = paths.deadLetter(letter);
  const { tenant } = await get(store, letter);
  const audit = await auditOf(store, tenant, operator, path, state);
  const decided = await revise(store, path, DeadLetter, (current) => {
    if (current.state === state) return null;
    if (current.state !== 'waiting') throw decidedOtherwise(current);
    // Firestore's TTL policy on `deadLetters` removes it then.
    const expireAt = new Date(store.clock() + KEPT_DAYS * 86_400_000);
    return {
      value: { ...current, state, decidedBy: operator, decidedAt: now(store) },
      writes: [{ kind: 'update', path, data: { expireAt } }],
      announcements: announcements(current),
      audit,
    };
  });
  return decided ?? get(store, letter);
}

/** The tenant is told what an operator did with its message; nothing is written into one that is gone. */
async function auditOf(
  store: Store,
  tenant: string | null,
  actor: string,
  target: string,
  state: 'replayed' | 'discarded',
): Promise<AuditEntry> {
  const found = tenant === null ? null : await read(store, paths.tenant(tenant), Tenant);
  const isThere = tenant !== null && found !== null && found.value.status !== 'deleted';
  return {
    tenant: isThere ? tenant : INSTALLATION,
    actor,
    action: state === 'replayed' ? 'dead-letter.replay' : 'dead-letter.discard',
    target,
  };
}

function messageIn({ id, topic, data }: DeadLetter): Announcement {
  if (!isTopic(topic)) throw notReplayable(id, `nothing says which topic it came by (${topic})`);
  try {
    return { topic, payload: EVENTS[topic].parse(JSON.parse(data)) };
  } catch (error) {
    throw notReplayable(id, `its data do not fit the topic ${topic}`, error);
  }
}

function notReplayable(id: string, why: string, cause?: unknown): TerminalError {
  return new TerminalError('not-replayable', `The message ${id} cannot be published again: ${why}.`, {
    remedy: 'Discard it; start again what it was about.',
    cause,
  });
}
