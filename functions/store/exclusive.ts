import { z } from 'zod';
import { ConflictError } from '#cloud/firestore';
import type { Announcement } from '#core/events';
import { paths } from '#core/paths';
import { type AuditEntry, commitChange, type Store } from './store.ts';

/**
 * What the watchdog looks after: a run that is not over, what a failed pipeline run may still have at work, a schedule that
 * Cloud Scheduler is yet to hear of.
 */
const Watched = z.object({
  kind: z.enum(['etl', 'pipeline', 'leftover', 'deployment', 'connection-test', 'schedule', 'firing']),
  path: z.string(),
  tenant: z.string(),
  model: z.string(),
  id: z.string(),
});
export type Watched = Readonly<z.infer<typeof Watched>>;

/** Entries read at a time. */
const PAGE = 500;

/**
 * All runs of a kind that are not over. A record that cannot be read keeps no other from being looked after: it is left
 * out and told to `onUnreadable`, by its path.
 */
export async function listWatched(
  store: Pick<Store, 'db'>,
  kind: Watched['kind'],
  onUnreadable: (path: string) => void = warnOfUnreadable,
): Promise<Watched[]> {
  const watched: Watched[] = [];
  for (let after: string | undefined; ;) {
    const page = await store.db.list(paths.watch, {
      where: [['kind', '==', kind]],
      limit: PAGE,
      ...(after === undefined ? {} : { after }),
    });
    for (const one of page) {
      const parsed = Watched.safeParse(one.data);
      if (parsed.success) watched.push(parsed.data);
      else onUnreadable(one.path);
    }
    after = page.at(-1)?.path;
    if (page.length < PAGE) return watched;
  }
}

/** A process's warnings are lines of its log. */
function warnOfUnreadable(path: string): void {
  process.emitWarning(
    `The watch entry ${path} is not as this version expects it: its run is not looked after.`,
  );
}

/**
 * Creates a run unless one of its kind is active: lock, run, watch entry, outbox and audit in one batch. Of any number
 * of simultaneous callers one creates; the others get the active run's id.
 */
export async function createExclusively(
  store: Store,
  options: {
    readonly lock: string;
    readonly path: string;
    readonly data: { readonly id: string } & Readonly<Record<string, unknown>>;
    readonly watched: Watched;
    readonly announcements: readonly Announcement[];
    readonly audit: AuditEntry;
  },
): Promise<{ readonly created: boolean; readonly id: string }> {
  for (let attempt = 1; ; attempt++) {
    try {
      await commitChange(store, {
        writes: [
          { kind: 'create', path: options.lock, data: { run: options.data.id } },
          { kind: 'create', path: options.path, data: options.data },
          { kind: 'create', path: paths.watched(options.path), data: { ...options.watched } },
        ],
        announcements: options.announcements,
        audit: { after: options.data, ...options.audit },
      });
      return { created: true, id: options.data.id };
    } catch (error) {
      if (!(error instanceof ConflictError) || attempt === 5) throw error;
      // The same request once more (its Idempotency-Key makes the same id): what its first run made, over or not.
      if ((await store.db.get(options.path)) !== null) return { created: false, id: options.data.id };
      const holder = await store.db.get(options.lock);
      // Null: the active run ended between our write and this read; try once more.
      if (holder !== null) return { created: false, id: String(holder.data['run']) };
    }
  }
}
