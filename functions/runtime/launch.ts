import type { Deploy } from './deploy.ts';
import { type JobHandler, runJob } from './job.ts';
import { disconnect } from './platform.ts';
import { runService, type ServiceHandler } from './service.ts';

/** What an entry file exports. */
interface Entry {
  readonly deploy: Deploy;
  readonly handler: unknown;
}

/** Runs a container's entry until it is done or the platform says SIGTERM; sets the process's exit code. */
export async function launch(name: string, entry: Entry): Promise<void> {
  const stopping = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.once(signal, () => stopping.abort(new Error(`stopped by ${signal}`)));
  // `deploy.trigger` says which of the two kinds of handler the file exports.
  const code =
    entry.deploy.trigger === 'job'
      ? await runJob(name, entry.handler as JobHandler, stopping.signal)
      : await runService(name, entry.handler as ServiceHandler, stopping.signal);
  await disconnect();
  process.exitCode = code;
  // Clients may keep sockets open a while; nothing is left to wait for.
  setTimeout(() => process.exit(code), 2000).unref();
}
