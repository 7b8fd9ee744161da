import { useState } from 'preact/hooks';
import {
  deleteSchedule,
  listSchedules,
  pauseSchedule,
  resumeSchedule,
  runSchedule,
  type ScheduleView,
} from '#core/api/schedules';
import { paths } from '#core/paths';
import { Firing, Schedule } from '#core/schedule';
import { api } from '../../api.ts';
import { present, useLiveList, valueOf } from '../../live.ts';
import { allowed } from '../../session.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Ago } from '../../ui/moment.tsx';
import { Panel } from '../../ui/panel.tsx';
import { Empty, Failure, Shown } from '../../ui/states.tsx';
import { useAnswer, useWork } from '../../use-work.ts';
import { ScheduleForm } from './schedule-form.tsx';
import { whenInWords } from './schedule-words.ts';
import { READ_ONLY } from './sources-section.tsx';

interface OfModel {
  readonly tenant: string;
  readonly model: string;
}

/** What starts by itself: each schedule with its next times and what became of the last ones. */
export function SchedulesPanel({ tenant, model }: OfModel) {
  const [adding, setAdding] = useState(false);
  const live = present(useLiveList(paths.schedules(tenant, model), Schedule, { by: 'newest', limit: 100 }));
  // Their next times are the server's to tell: asked for again whenever one of them changes.
  const changed = valueOf(live, []).map(({ id, updatedAt, lastSlot }) => `${id} ${updatedAt} ${lastSlot}`);
  const views = useAnswer(live.state === 'ready' ? changed.join() : null, (signal) =>
    api(listSchedules, { params: { tenant, model }, query: { limit: 100 }, signal }),
  );
  return (
    <Panel
      title="Schedules"
      note="Loads and pipelines that start by themselves."
      aside={
        !adding && (
          <Button onClick={() => setAdding(true)} unavailable={allowed(tenant, 'run') ? null : READ_ONLY}>
            Add a schedule
          </Button>
        )
      }
    >
      {adding && <ScheduleForm tenant={tenant} model={model} close={() => setAdding(false)} />}
      <Shown of={views}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="Nothing starts by itself yet" />
          ) : (
            <ul class="plain-list stack">
              {items.map((one) => (
                <ScheduleItem key={one.id} tenant={tenant} model={model} schedule={one} />
              ))}
            </ul>
          )
        }
      </Shown>
    </Panel>
  );
}

function ScheduleItem({ tenant, model, schedule }: OfModel & { readonly schedule: ScheduleView }) {
  const params = { tenant, model, schedule: schedule.id };
  const act = useWork(async (work: () => Promise<unknown>) => void (await work()));
  const firings = useLiveList(paths.firings(tenant, model, schedule.id), Firing, { by: 'newest', limit: 3 });
  const unavailable = allowed(tenant, 'run') ? null : READ_ONLY;
  const button = (text: string, work: () => Promise<unknown>) => (
    <Button
      kind="plain"
      small
      label={`${text} ${schedule.name}`}
      busy={act.busy}
      unavailable={unavailable}
      onClick={() => act.run(work)}
    >
      {text}
    </Button>
  );
  return (
    <li class="inset stack">
      <p class="row">
        <strong>{schedule.name}</strong>
        <Badge status={schedule.paused ? 'paused' : 'live'} text={schedule.paused ? 'paused' : 'on'} />
        <span class="quiet">
          {schedule.what.kind === 'etl' ? 'loads' : 'runs the pipeline'} {whenInWords(schedule.when)}
        </span>
      </p>
      {schedule.nextRuns.length > 0 && (
        <p class="quiet">
          Next: {schedule.nextRuns.map(({ local }) => local.replace('T', ' ').slice(0, 16)).join(' · ')}
        </p>
      )}
      <ul class="lately" aria-label={`What became of ${schedule.name}`}>
        {valueOf(firings, []).map((one) => (
          <li key={one.id}>
            <Badge
              status={one.succeeded === false ? 'failed' : one.succeeded === true ? 'succeeded' : one.status}
            />
            <span class="quiet">
              <Ago at={one.createdAt} />
              {one.attempt > 0 && ` · try ${one.attempt + 1}`}
            </span>
            {one.reason !== null && <span>{one.reason.message}</span>}
          </li>
        ))}
      </ul>
      {act.error !== null && <Failure error={act.error} />}
      <div class="row">
        {button('Run now', () => api(runSchedule, { params }))}
        {schedule.paused
          ? button('Resume', () => api(resumeSchedule, { params }))
          : button('Pause', () => api(pauseSchedule, { params }))}
        {button('Delete', () => api(deleteSchedule, { params }))}
      </div>
    </li>
  );
}
