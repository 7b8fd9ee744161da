import { ConflictError } from '#cloud/firestore';
import type { Announcement } from '#core/events';
import { paths } from '#core/paths';
import { type AuditEntry, commitChange, type Store } from './store.ts';

/** What the watchdog looks after: a run that is not over. */
export interface Watched {
  readonly kind: 'etl' | 'pipeline' | 'deployment' | 'connection-test';
  readonly path: string;
  readonly tenant: string;
  readonly model: string;
  readonly id: string;
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
    readonly data: { readonly id: string };
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
        audit: options.audit,
      });
      return { created: true, id: options.data.id };
    } catch (error) {
      if (!(error instanceof ConflictError) || attempt === 5) throw error;
      const holder = await store.db.get(options.lock);
      // Null: the active run ended between our write and this read; try once more.
      if (holder !== null) return { created: false, id: String(holder.data['run']) };
    }
  }
}
