import { TerminalError } from '#core/errors';
import { EtlRun, etlCycle } from '#core/etl-run';
import { announce } from '#core/events';
import { isFinal } from '#core/life-cycle';
import { paths } from '#core/paths';
import { mustRead, type Revision, revise } from '#store/document';
import { now, type Store } from '#store/store';
import { endWrites } from './finish.ts';
import { type RunKey, runPath } from './run-key.ts';

/**
 * Ends a run that is not over: at once where no container was asked for yet; otherwise it is marked, its runner sees that
 * within seconds, and the event sees to it that nothing stays behind. Asked for twice, it is cancelled once.
 * @throws TerminalError `run-over`: it has ended, and not by being cancelled
 */
export async function cancelRun(store: Store, key: RunKey, actor: string): Promise<EtlRun> {
  const path = runPath(key);
  await mustRead(store, path, EtlRun, 'run');
  const audit = { tenant: key.tenant, actor, action: 'etl.cancel', target: path };
  const changed = await revise(store, path, EtlRun, (run): Revision<EtlRun> | null => {
    if (run.status === 'cancelled' || (run.cancelRequestedAt !== null && !isFinal(etlCycle, run.status)))
      return null;
    if (isFinal(etlCycle, run.status)) throw over(run);
    const at = now(store);
    const asked: EtlRun = { ...run, cancelRequestedAt: at, cancelRequestedBy: actor };
    if (run.attempts > 0)
      return { value: asked, announcements: [announce('etl-cancel-requested', { ...key })], audit };
    return {
      value: { ...asked, status: 'cancelled', finishedAt: at },
      writes: [{ kind: 'delete', path: paths.watched(path) }, ...endWrites(key, run, at)],
      announcements: [announce('etl-finished', { ...key })],
      audit,
    };
  });
  return changed ?? (await mustRead(store, path, EtlRun, 'run')).value;
}

function over({ id, status }: EtlRun): TerminalError {
  return new TerminalError('run-over', `The run ${id} is over: ${status}.`, {
    remedy: 'What it has published stays; start a new run to load again.',
  });
}
