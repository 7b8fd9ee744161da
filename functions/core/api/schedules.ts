import { z } from 'zod';
import {
  Firing,
  FiringStatus,
  Occurrence,
  Schedule,
  ScheduleChange,
  ScheduleDefinition,
  TimedWhen,
} from '../schedule.ts';
import { contract, listQuery, Page, pageOf } from './contract.ts';
import { either } from '../resource-contract.ts';

/** A schedule with its next times: none while it is paused or deleted, or where the clock plays no part. */
export const ScheduleView = Schedule.extend({ nextRuns: z.array(Occurrence) });
export type ScheduleView = z.infer<typeof ScheduleView>;

export const createSchedule = contract({
  method: 'POST',
  path: '/api/tenants/{tenant}/models/{model}/schedules',
  access: 'run',
  summary: 'Start loads or pipelines by the clock, after each load, or on new data.',
  body: ScheduleDefinition,
  answer: ScheduleView,
  status: 201,
});

export const listSchedules = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/models/{model}/schedules',
  access: 'read',
  summary: 'The model’s schedules.',
  query: listQuery({ kind: z.enum(['etl', 'pipeline']).optional(), paused: either }, [
    'createdAt',
    'updatedAt',
    'name',
  ]),
  answer: pageOf(ScheduleView),
});

export const getSchedule = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/models/{model}/schedules/{schedule}',
  access: 'read',
  summary: 'One schedule with its next five times.',
  answer: ScheduleView,
});

export const updateSchedule = contract({
  method: 'PATCH',
  path: '/api/tenants/{tenant}/models/{model}/schedules/{schedule}',
  access: 'run',
  summary: 'Change a schedule; new times count from now.',
  body: ScheduleChange,
  answer: ScheduleView,
});

export const pauseSchedule = contract({
  method: 'POST',
  path: '/api/tenants/{tenant}/models/{model}/schedules/{schedule}/pause',
  access: 'edit',
  summary: 'Pause: nothing starts until it is resumed.',
  answer: ScheduleView,
});

export const resumeSchedule = contract({
  method: 'POST',
  path: '/api/tenants/{tenant}/models/{model}/schedules/{schedule}/resume',
  access: 'run',
  summary: 'Resume; what came up while it was paused is made up for once where `catchUp` says so.',
  answer: ScheduleView,
});

export const deleteSchedule = contract({
  method: 'DELETE',
  path: '/api/tenants/{tenant}/models/{model}/schedules/{schedule}',
  access: 'edit',
  summary: 'Delete; it can be restored for 30 days.',
  answer: ScheduleView,
});

export const restoreSchedule = contract({
  method: 'POST',
  path: '/api/tenants/{tenant}/models/{model}/schedules/{schedule}/restore',
  access: 'run',
  summary: 'Bring back a deleted schedule as it was; what came up meanwhile is not made up for.',
  answer: ScheduleView,
});

export const runSchedule = contract({
  method: 'POST',
  path: '/api/tenants/{tenant}/models/{model}/schedules/{schedule}/run',
  access: 'run',
  rate: 'trigger',
  summary: 'Start its work now, paused or not; its overlap policy holds.',
  answer: Firing,
  status: 202,
});

export const previewSchedule = contract({
  method: 'POST',
  path: '/api/tenants/{tenant}/models/{model}/schedules/preview',
  access: 'read',
  rate: 'read',
  summary: 'The next five times that a schedule would have; nothing is kept.',
  body: z.strictObject({ when: TimedWhen }),
  answer: z.object({ cron: z.string(), timeZone: z.string(), nextRuns: z.array(Occurrence) }),
});

export const listFirings = contract({
  method: 'GET',
  path: '/api/tenants/{tenant}/models/{model}/schedules/{schedule}/firings',
  access: 'read',
  summary: 'What became of its occasions, newest first: the run that was started, or why none was.',
  query: Page.extend({ status: FiringStatus.optional() }),
  answer: pageOf(Firing),
});
