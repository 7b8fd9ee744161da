import { INSTALLATION } from '#core/audit';
import { TerminalError } from '#core/errors';
import { paths } from '#core/paths';
import { Tenant } from '#core/tenant';
import { read } from '#store/document';
import { auditWrite, idFrom, type Store } from '#store/store';

/** A caller who was not let in. */
export interface Denial {
  /** As the path has it, which may not exist; INSTALLATION where the path has none. */
  readonly tenant: string;
  readonly actor: string;
  /** `<METHOD> <path template>`. */
  readonly action: string;
  /** The path asked for. */
  readonly path: string;
  /** Whether the caller was told that the tenant exists. */
  readonly known: boolean;
}

/** Keeps denials. */
export interface DenialAudit {
  /** Never fails. */
  readonly note: (denial: Denial) => Promise<void>;
  /** Resolves once all that were noted are written: before a process ends. */
  readonly settled: () => Promise<void>;
}

/** How long an answer waits for its denial to be written down. */
const PATIENCE_MS = 250;
/** Denials of the present minute that one process remembers. */
const REMEMBERED = 10_000;

/** Whether a refusal is one to tell the tenant of. */
export function isDenial(error: unknown): error is TerminalError {
  return (
    error instanceof TerminalError && ['forbidden', 'tenant-suspended', 'not-found'].includes(error.code)
  );
}

/**
 * Writes denials to the tenant's audit, where there is no such tenant to the installation's: one for each actor and action
 * in a minute, however many processes see them. It never fails. Where the caller is not to learn that the tenant exists, the answer does not wait for the write: from how
 * long it took that could be told.
 */
export function auditDenials(store: Store): DenialAudit {
  const noted = new Set<string>();
  const writing = new Set<Promise<void>>();
  return {
    async note(denial) {
      const minute = Math.floor(store.clock() / 60_000);
      const key = [denial.tenant, denial.actor, denial.action, minute].join('\n');
      if (noted.has(key)) return;
      if (noted.size >= REMEMBERED) noted.clear();
      noted.add(key);
      const written = write(store, denial, minute)
        .catch(() => undefined)
        .finally(() => writing.delete(written));
      writing.add(written);
      if (denial.known) await atMost(PATIENCE_MS, written);
    },
    settled: async () => void (await Promise.all(writing)),
  };
}

async function write(store: Store, denial: Denial, minute: number): Promise<void> {
  const { actor, action, path } = denial;
  const tenant = (await keepsAudit(store, denial.tenant)) ? denial.tenant : INSTALLATION;
  const target = path.replace(/^\/api\//, '').slice(0, 300);
  // Without the tenant that was asked for: who tries a thousand names is one entry in the installation's audit, not a thousand.
  const id = idFrom('a', [tenant, actor, action, minute].join('\n'));
  // A create: that it is there already is the usual way for it to fail.
  await store.db.commit([auditWrite(store, { tenant, actor, action, target, outcome: 'denied' }, id)]);
}

/** Whether the tenant is there to be told. Nothing is written into what is being removed. */
async function keepsAudit(store: Store, tenant: string): Promise<boolean> {
  if (tenant === INSTALLATION || !/^[a-z][a-z0-9]{3,31}$/.test(tenant)) return false;
  const found = await read(store, paths.tenant(tenant), Tenant);
  return found !== null && found.value.status !== 'deleted';
}

async function atMost(milliseconds: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const enough = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([work, enough]);
  clearTimeout(timer);
}
