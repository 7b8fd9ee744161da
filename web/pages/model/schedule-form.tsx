import { useState } from 'preact/hooks';
import { createSchedule, previewSchedule } from '#core/api/schedules';
import { ScheduleDefinition, TimedWhen } from '#core/schedule';
import { api } from '../../api.ts';
import { Choice, Field } from '../../ui/field.tsx';
import { Shown } from '../../ui/states.tsx';
import { WorkForm } from '../../ui/work-form.tsx';
import { useAnswer, useWork } from '../../use-work.ts';
import { type ScheduleDraft, whenOf } from './schedule-words.ts';

interface ScheduleFormProps {
  readonly tenant: string;
  readonly model: string;
  readonly close: () => void;
}

const NEW: ScheduleDraft = {
  name: 'Every night',
  preset: 'daily',
  minute: '0',
  at: '02:30',
  weekday: 'mon',
  day: '1',
  cron: '30 2 * * mon-fri',
  timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC',
  overlap: 'skip',
  catchUp: 'skip',
  retries: '0',
};

/** A schedule of loads, with the next five times as it is now. */
export function ScheduleForm({ tenant, model, close }: ScheduleFormProps) {
  const [draft, setDraft] = useState(NEW);
  const set = (change: Partial<ScheduleDraft>) => setDraft({ ...draft, ...change });
  const params = { tenant, model };
  const definition = ScheduleDefinition.safeParse({
    name: draft.name,
    what: { kind: 'etl' },
    when: whenOf(draft),
    overlap: draft.overlap,
    catchUp: draft.catchUp,
    retries: { times: Number(draft.retries) },
  });
  const save = useWork(async () => {
    if (!definition.success) return;
    await api(createSchedule, { params, body: definition.data });
    close();
  });
  return (
    <WorkForm
      work={save}
      submit="Add the schedule"
      cancel={close}
      label="Add a schedule"
      unavailable={definition.success ? null : (definition.error.issues[0]?.message ?? 'No such schedule.')}
    >
      <div class="columns">
        <Field label="Name" value={draft.name} onInput={(name) => set({ name })} required maxLength={80} />
        <Choice
          label="Loads"
          value={draft.preset}
          options={[
            ['hourly', 'every hour'],
            ['daily', 'every day'],
            ['weekly', 'every week'],
            ['monthly', 'every month'],
            ['cron', 'by a cron expression'],
          ]}
          onChange={(preset) => set({ preset })}
        />
        <Times draft={draft} set={set} />
        <Field
          label="Time zone"
          value={draft.timeZone}
          onInput={(timeZone) => set({ timeZone })}
          required
          hint="Such as Europe/Berlin or UTC."
        />
        <Choice
          label="While another load runs"
          value={draft.overlap}
          options={[
            ['skip', 'leave it out'],
            ['queue', 'load after it'],
          ]}
          onChange={(overlap) => set({ overlap })}
        />
        <Choice
          label="Times missed while paused or down"
          value={draft.catchUp}
          options={[
            ['skip', 'are left out'],
            ['once', 'are made up for by one load'],
          ]}
          onChange={(catchUp) => set({ catchUp })}
        />
        <Field
          label="Tries again where a load fails"
          type="number"
          min={0}
          max={5}
          value={draft.retries}
          onInput={(retries) => set({ retries })}
          hint="After 10 minutes, then twice as long each time."
        />
      </div>
      <NextRuns tenant={tenant} model={model} draft={draft} />
    </WorkForm>
  );
}

interface TimesProps {
  readonly draft: ScheduleDraft;
  readonly set: (change: Partial<ScheduleDraft>) => void;
}

function Times({ draft, set }: TimesProps) {
  if (draft.preset === 'hourly')
    return (
      <Field
        label="Minute of the hour"
        type="number"
        min={0}
        max={59}
        value={draft.minute}
        onInput={(minute) => set({ minute })}
      />
    );
  if (draft.preset === 'cron')
    return (
      <Field
        label="Cron expression"
        value={draft.cron}
        onInput={(cron) => set({ cron })}
        hint="Minute, hour, day of the month, month, day of the week."
      />
    );
  return (
    <>
      {draft.preset === 'weekly' && (
        <Choice
          label="Day of the week"
          value={draft.weekday}
          options={[
            ['mon', 'Monday'],
            ['tue', 'Tuesday'],
            ['wed', 'Wednesday'],
            ['thu', 'Thursday'],
            ['fri', 'Friday'],
            ['sat', 'Saturday'],
            ['sun', 'Sunday'],
          ]}
          onChange={(weekday) => set({ weekday })}
        />
      )}
      {draft.preset === 'monthly' && (
        <Field
          label="Day of the month"
          type="number"
          min={1}
          max={31}
          value={draft.day}
          onInput={(day) => set({ day })}
        />
      )}
      <Field label="At" value={draft.at} onInput={(at) => set({ at })} hint="24 hours, such as 06:30." />
    </>
  );
}

/** The next five times, once what was typed names any. */
function NextRuns({
  tenant,
  model,
  draft,
}: Omit<ScheduleFormProps, 'close'> & { readonly draft: ScheduleDraft }) {
  const when = TimedWhen.safeParse(whenOf(draft));
  const next = useAnswer(when.success ? JSON.stringify(when.data) : null, (signal) =>
    api(previewSchedule, {
      params: { tenant, model },
      body: { when: TimedWhen.parse(whenOf(draft)) },
      signal,
    }),
  );
  if (!when.success) return <p class="quiet">{when.error.issues[0]?.message ?? 'No such time.'}</p>;
  return (
    <Shown of={next} lines={1}>
      {({ nextRuns }) => (
        <p class="quiet">
          Next: {nextRuns.map(({ local }) => local.replace('T', ' ').slice(0, 16)).join(' · ')}
          {nextRuns.some(({ note }) => note !== null) && ' (the clocks change)'}
        </p>
      )}
    </Shown>
  );
}
