import { createHash } from 'node:crypto';
import { z } from 'zod';
import { ConflictError } from '#cloud/firestore';
import { paths } from '#core/paths';
import type { Store } from '#store/store';

/**
 * How long a claim holds unless renewed; renewed every third of it while the handler runs. So a message whose process was
 * killed can be taken up this soon: within the first redeliveries, and long before Pub/Sub gives it up.
 */
export const CLAIM_SECONDS = 30;

const Claim = z.object({
  attempts: z.int(),
  until: z.number(),
  done: z.boolean(),
  /** When the first try began, milliseconds since the epoch. */
  since: z.number().default(0),
  /** Tries whose process ended without a word. */
  lost: z.int().default(0),
});

/** The right to handle a message. What it writes is written only while nobody else has taken the message over. */
export interface HeldClaim {
  /** Tries so far, this one included. */
  readonly attempts: number;
  /** Those of the former tries whose process ended without a word. */
  readonly lost: number;
  /** Seconds since the first try began. */
  readonly ageSeconds: number;
  /** Does `work`, renewing the claim meanwhile. */
  readonly during: <T>(work: () => Promise<T>) => Promise<T>;
  /** The message is done with, for good. */
  readonly finish: () => Promise<void>;
  /** The message may be tried again at once. */
  readonly release: () => Promise<void>;
}

/** What a message is known by, however often it comes. */
export interface MessageName {
  readonly messageId: string;
  readonly publishTime?: string | undefined;
}

/**
 * Where the claim of the function `name` on a message lies: several functions may hear one topic. The moment of publishing
 * belongs to a message's name: Google's emulator counts its ids from 1 again whenever it starts.
 */
export function claimPath(name: string, { messageId, publishTime = '' }: MessageName): string {
  const id = createHash('sha256').update(`${name}\n${messageId}\n${publishTime}`).digest('hex');
  return paths.claim(id.slice(0, 40));
}

/** Claims a message for the function `name`. */
export async function takeClaim(
  store: Store,
  name: string,
  message: MessageName,
): Promise<HeldClaim | 'done' | 'held'> {
  const path = claimPath(name, message);
  const until = () => store.clock() + CLAIM_SECONDS * 1000;
  const found = await store.db.get(path);
  const current = found === null ? null : Claim.parse(found.data);
  if (current?.done === true) return 'done';
  if (current !== null && current.until > store.clock()) return 'held';
  const attempts = (current?.attempts ?? 0) + 1;
  const since = current?.since ?? store.clock();
  // A claim that was let go says so (`until` 0); one that ran out belonged to a process that is gone.
  const lost = (current?.lost ?? 0) + (current !== null && current.until > 0 ? 1 : 0);
  // expireAt: Firestore's TTL policy on `claims` removes it a day after the longest redelivery.
  const expireAt = new Date(store.clock() + 8 * 86_400_000);
  const data = { attempts, until: until(), done: false, since, lost, expireAt };
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
  const change = (fields: Partial<z.infer<typeof Claim>>) => changeClaim(store, path, attempts, fields);
  return {
    attempts,
    lost,
    ageSeconds: (store.clock() - since) / 1000,
    async during(work) {
      let beat = Promise.resolve();
      // A renewal that failed is made up for by the next; there are three in a claim.
      const renew = () => {
        beat = beat.then(() => change({ until: until() })).catch(() => undefined);
      };
      const timer = setInterval(renew, (CLAIM_SECONDS * 1000) / 3);
      try {
        return await work();
      } finally {
        clearInterval(timer);
        // One that is on its way must not arrive after what is written next.
        await beat;
      }
    },
    finish: () => change({ done: true }),
    release: () => change({ until: 0 }),
  };
}

/** Changes the claim unless it is done or has gone to a later attempt, whose it then is. */
async function changeClaim(
  store: Store,
  path: string,
  attempts: number,
  fields: Partial<z.infer<typeof Claim>>,
): Promise<void> {
  for (let turn = 1; ; turn++) {
    const found = await store.db.get(path);
    const current = found === null ? null : Claim.parse(found.data);
    if (found === null || current?.attempts !== attempts || current.done) return;
    try {
      await store.db.commit([{ kind: 'update', path, data: { ...fields }, version: found.version }]);
      return;
    } catch (error) {
      if (!(error instanceof ConflictError) || turn === 5) throw error;
    }
  }
}
