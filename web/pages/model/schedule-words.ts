import type { When } from '#core/schedule';

const DAYS: Readonly<Record<string, string>> = {
  mon: 'Monday',
  tue: 'Tuesday',
  wed: 'Wednesday',
  thu: 'Thursday',
  fri: 'Friday',
  sat: 'Saturday',
  sun: 'Sunday',
};

/** When a schedule starts its work, as a person says it. */
export function whenInWords(when: When): string {
  switch (when.kind) {
    case 'hourly':
      return `${when.every === 1 ? 'every hour' : `every ${when.every} hours`}, ${when.minute} min past, ${when.timeZone}`;
    case 'daily':
      return `every day at ${when.at}, ${when.timeZone}`;
    case 'weekly':
      return `every ${when.days.map((day) => DAYS[day] ?? day).join(', ')} at ${when.at}, ${when.timeZone}`;
    case 'monthly':
      return `on day ${when.day} of each month at ${when.at}, ${when.timeZone}`;
    case 'cron':
      return `${when.cron}, ${when.timeZone}`;
    case 'after-etl':
      return when.partial
        ? 'after each load, also one that left tables out'
        : 'after each load that succeeded';
    case 'new-data':
      return `once ${when.minRows.toLocaleString('en')} new rows have been loaded`;
  }
}

/** The times that the form offers. */
export type Preset = 'hourly' | 'daily' | 'weekly' | 'monthly' | 'cron';

/** What the form holds: text, as people type it. */
export interface ScheduleDraft {
  readonly name: string;
  readonly preset: Preset;
  readonly minute: string;
  readonly at: string;
  readonly weekday: string;
  readonly day: string;
  readonly cron: string;
  readonly timeZone: string;
  readonly overlap: 'skip' | 'queue';
  readonly catchUp: 'skip' | 'once';
  readonly retries: string;
}

/** The times of a draft as the API takes them; it judges them. */
export function whenOf(draft: ScheduleDraft): object {
  const { preset, timeZone, at } = draft;
  switch (preset) {
    case 'hourly':
      return { kind: preset, minute: Number(draft.minute), timeZone };
    case 'daily':
      return { kind: preset, at, timeZone };
    case 'weekly':
      return { kind: preset, at, days: [draft.weekday], timeZone };
    case 'monthly':
      return { kind: preset, at, day: Number(draft.day), timeZone };
    case 'cron':
      return { kind: preset, cron: draft.cron, timeZone };
  }
}
