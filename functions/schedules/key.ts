import { paths } from '#core/paths';
import { idFrom } from '#store/store';

/** Which schedule. */
export interface ScheduleKey {
  readonly tenant: string;
  readonly model: string;
  readonly schedule: string;
}

export function schedulePath({ tenant, model, schedule }: ScheduleKey): string {
  return paths.schedule(tenant, model, schedule);
}

/** The schedule of a document's path; null where the path is no schedule's. */
export function keyOfPath(path: string): ScheduleKey | null {
  const [, tenant, , model, , schedule, ...rest] = path.split('/');
  return tenant === undefined || model === undefined || schedule === undefined || rest.length > 0
    ? null
    : { tenant, model, schedule };
}

/** Every job of a schedule in Cloud Scheduler begins so. */
export const JOB_PREFIX = 'tw-';

/** The job of a schedule in Cloud Scheduler. */
export function jobId({ model, schedule }: ScheduleKey): string {
  return `${JOB_PREFIX}${model}-${schedule}`;
}

/** The firing of a schedule for an occasion, which is the same however often it is told of. */
export function firingId(schedule: string, occasion: string): string {
  return idFrom('f', `${schedule}\n${occasion}`);
}
