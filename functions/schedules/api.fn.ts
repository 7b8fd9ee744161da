import { openScheduler } from '#cloud/scheduler';
import {
  createSchedule as creation,
  deleteSchedule as deletion,
  getSchedule,
  listFirings,
  listSchedules,
  pauseSchedule,
  previewSchedule,
  restoreSchedule as restoration,
  resumeSchedule,
  runSchedule,
  updateSchedule,
} from '#core/api/schedules';
import { toError } from '#core/errors';
import { paths } from '#core/paths';
import { cronOf, Firing, Schedule } from '#core/schedule';
import { route } from '#runtime/answer';
import { httpDeploy } from '#runtime/deploy';
import { serve } from '#runtime/http';
import { mustRead, readPage } from '#store/document';
import { nextOccurrences } from './calendar.ts';
import { follow } from './follow.ts';
import { type ScheduleKey, schedulePath } from './key.ts';
import {
  addSchedule,
  changeSchedule,
  deleteSchedule,
  restoreSchedule,
  runNow,
  setPaused,
  viewOf,
} from './schedules.ts';

export const deploy = httpDeploy();

export const handler = serve('schedules-api', ({ store, config, log }) => {
  /** The schedule is changed; that Cloud Scheduler hears of it can wait for the watch. */
  const told = async ({ tenant, model }: Omit<ScheduleKey, 'schedule'>, change: Promise<Schedule>) => {
    const schedule = await change;
    try {
      await follow(store, openScheduler(config), { tenant, model, schedule: schedule.id });
    } catch (error) {
      log.warn('Cloud Scheduler is to hear of a schedule later', {
        schedule: schedule.id,
        error: toError(error).message,
      });
    }
    return viewOf(store, schedule);
  };
  return [
    route(creation, ({ params, body, caller, may }) =>
      told(params, addSchedule(store, params, { actor: caller.actor, mayDeploy: may('deploy') }, body)),
    ),
    route(listSchedules, async ({ params, query }) => {
      const { items, next } = await readPage(
        store,
        paths.schedules(params.tenant, params.model),
        Schedule,
        query,
        { 'what.kind': query.kind, paused: query.paused },
      );
      return { items: items.map((one) => viewOf(store, one)), next };
    }),
    route(previewSchedule, async ({ body: { when } }) => ({
      cron: cronOf(when),
      timeZone: when.timeZone,
      nextRuns: nextOccurrences(when, store.clock(), 5),
    })),
    route(getSchedule, async ({ params }) =>
      viewOf(store, (await mustRead(store, schedulePath(params), Schedule, 'schedule')).value),
    ),
    route(updateSchedule, ({ params, body, caller, may }) =>
      told(params, changeSchedule(store, params, { actor: caller.actor, mayDeploy: may('deploy') }, body)),
    ),
    route(pauseSchedule, ({ params, caller }) => told(params, setPaused(store, params, caller.actor, true))),
    route(resumeSchedule, ({ params, caller }) =>
      told(params, setPaused(store, params, caller.actor, false)),
    ),
    route(deletion, ({ params, caller }) => told(params, deleteSchedule(store, params, caller.actor))),
    route(restoration, ({ params, caller }) => told(params, restoreSchedule(store, params, caller.actor))),
    route(runSchedule, ({ params, caller }) => runNow(store, params, caller.actor)),
    route(listFirings, async ({ params, query: { status, ...page } }) => {
      await mustRead(store, schedulePath(params), Schedule, 'schedule');
      const { tenant, model, schedule } = params;
      return readPage(store, paths.firings(tenant, model, schedule), Firing, page, { status });
    }),
  ];
});
