import { AlertsPanel } from './alerts-panel.tsx';
import type { ModelState } from './facts.ts';
import { SchedulesPanel } from './schedules-panel.tsx';

/** What happens by itself: what starts when, and who is told where it fails. */
export function AutomationSection({ state: { tenant, id } }: { readonly state: ModelState }) {
  return (
    <>
      <SchedulesPanel tenant={tenant} model={id} />
      <AlertsPanel tenant={tenant} model={id} />
    </>
  );
}
