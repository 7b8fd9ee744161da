import { EtlRun } from '#core/etl-run';
import type { Payload } from '#core/events';
import { paths } from '#core/paths';
import { isAwake, Schedule } from '#core/schedule';
import { read } from '#store/document';
import type { Store } from '#store/store';
import { fireAfterEtl } from './fire.ts';
import { broughtRows, newRows } from './new-rows.ts';

/** More schedules than a model may have, deleted ones apart. */
const ALL = 500;

/** Sees to every schedule of the model that waits for a load to end. May be repeated: each fires once per run. */
export async function seeToEtlEnd(
  store: Store,
  { tenant, model, run }: Payload<'etl-finished'>,
): Promise<void> {
  const ended = await read(store, paths.etlRun(tenant, model, run), EtlRun);
  if (ended === null || !broughtRows(ended.value)) return;
  const failures: unknown[] = [];
  const there = { where: [['deletedAt', '==', null]], limit: ALL } as const;
  for (const { data } of await store.db.list(paths.schedules(tenant, model), there)) {
    const schedule = Schedule.safeParse(data);
    // One that cannot be read is told of by the watch.
    if (!schedule.success) continue;
    try {
      const trigger = await triggerOf(store, tenant, model, schedule.data, ended.value);
      if (trigger !== null)
        await fireAfterEtl(store, { tenant, model, schedule: schedule.data.id }, run, trigger);
    } catch (error) {
      // One that cannot be seen to now keeps no other waiting.
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

async function triggerOf(
  store: Store,
  tenant: string,
  model: string,
  schedule: Schedule,
  ended: EtlRun,
): Promise<'after-etl' | 'new-data' | null> {
  const { when, what, since, notBefore } = schedule;
  const own = since > (notBefore ?? '') ? since : (notBefore ?? '');
  if (!isAwake(schedule) || (ended.finishedAt ?? '') < own) return null;
  if (when.kind === 'after-etl') {
    const done = ended.status === 'succeeded' || (when.partial && ended.status === 'partial');
    return done ? 'after-etl' : null;
  }
  if (when.kind !== 'new-data' || what.kind !== 'pipeline') return null;
  return (await newRows(store, tenant, model, what.dataset)) >= when.minRows ? 'new-data' : null;
}
