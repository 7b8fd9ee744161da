import { useState } from 'preact/hooks';
import { updateSource } from '#core/api/sources';
import type { SourceSettings } from '#core/source';
import { api } from '../../api.ts';
import { WorkForm } from '../../ui/work-form.tsx';
import { useWork } from '../../use-work.ts';
import { LimitFields, limitsForm, limitsIn } from './limit-fields.tsx';

interface ChangeLimitsProps {
  readonly tenant: string;
  readonly model: string;
  readonly source: string;
  readonly settings: Exclude<SourceSettings, { readonly uris: readonly string[] }>;
  readonly close: () => void;
}

/** Changes how much of a source's server a load may take: from the next load on. */
export function ChangeLimits({ tenant, model, source, settings, close }: ChangeLimitsProps) {
  const [form, setForm] = useState(limitsForm(settings));
  const work = useWork(async () => {
    const body = { settings: { ...settings, ...limitsIn(settings.kind, form) } };
    await api(updateSource, { params: { tenant, model, source }, body });
    close();
  });
  return (
    <WorkForm work={work} submit="Save" cancel={close} label="Change the limits">
      <LimitFields kind={settings.kind} form={form} onChange={setForm} />
    </WorkForm>
  );
}
