import { useEffect, useState } from 'preact/hooks';
import { z } from 'zod';
import type { Listing } from './firestore.ts';

/** Something that arrives, and goes on changing. */
export type Live<T> =
  | { readonly state: 'loading' }
  | { readonly state: 'ready'; readonly value: T }
  | { readonly state: 'failed'; readonly error: unknown; readonly retry: () => void };

type Listen = (tell: (data: unknown) => void, fail: (error: unknown) => void) => Promise<() => void>;

/** The document at `path`, kept up to date; null where there is none. A null path listens to nothing. */
export function useLiveDocument<S extends z.ZodType>(
  path: string | null,
  schema: S,
): Live<z.output<S> | null> {
  return useListener(path, schema.nullable(), async (tell, fail) => {
    const { listenDocument } = await import('./firestore.ts');
    return listenDocument(path ?? '', tell, fail);
  });
}

/** The documents of a collection, kept up to date. A null path listens to nothing. */
export function useLiveList<S extends z.ZodType>(
  path: string | null,
  schema: S,
  listing: Listing = {},
): Live<z.output<S>[]> {
  return useListener(path, z.array(schema), async (tell, fail) => {
    const { listenCollection } = await import('./firestore.ts');
    return listenCollection(path ?? '', listing, tell, fail);
  });
}

function useListener<S extends z.ZodType>(key: string | null, schema: S, listen: Listen): Live<z.output<S>> {
  const [heard, setHeard] = useState<{ key: string | null; live: Live<z.output<S>> }>({
    key,
    live: { state: 'loading' },
  });
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    if (key === null) return undefined;
    let ended = false;
    let end: (() => void) | undefined;
    const fail = (error: unknown) => {
      if (!ended) setHeard({ key, live: { state: 'failed', error, retry: () => setAttempt((n) => n + 1) } });
    };
    const tell = (data: unknown) => {
      const parsed = schema.safeParse(data);
      if (ended) return;
      if (parsed.success) setHeard({ key, live: { state: 'ready', value: parsed.data } });
      else fail(parsed.error);
    };
    listen(tell, fail).then((stop) => (ended ? stop() : (end = stop)), fail);
    return () => {
      ended = true;
      end?.();
    };
  }, [key, attempt]);
  // What was heard of another path is not this path's.
  return heard.key === key ? heard.live : { state: 'loading' };
}

/** Of what can be deleted and restored, what is there. */
export function present<T extends { readonly deletedAt: string | null }>(live: Live<T[]>): Live<T[]> {
  return live.state === 'ready'
    ? { state: 'ready', value: live.value.filter((one) => one.deletedAt === null) }
    : live;
}

/** The value, or `otherwise` while there is none. */
export function valueOf<T>(live: Live<T>, otherwise: T): T {
  return live.state === 'ready' ? live.value : otherwise;
}
