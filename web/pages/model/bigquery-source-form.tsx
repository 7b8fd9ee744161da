import { useState } from 'preact/hooks';
import { startConnectionTest } from '#core/api/connection-tests';
import { createSource } from '#core/api/sources';
import { api } from '../../api.ts';
import { Field } from '../../ui/field.tsx';
import { WorkForm } from '../../ui/work-form.tsx';
import { useWork } from '../../use-work.ts';
import type { AddSourceProps } from './add-source.tsx';
import { KeyFile } from './key-file.tsx';
import { LimitFields, limitsForm, limitsIn } from './limit-fields.tsx';

/** The form of a source that is a data set of BigQuery: read as the account of a key, or as the installation's own. */
export function BigQuerySourceForm({ tenant, model, close }: AddSourceProps) {
  const [name, setName] = useState('Orders warehouse');
  const [form, setForm] = useState({ project: '', dataset: '', location: '' });
  const [limits, setLimits] = useState(limitsForm({}));
  const [key, setKey] = useState<string | null>(null);
  const set = (part: Partial<typeof form>) => setForm((before) => ({ ...before, ...part }));
  const params = { tenant, model };
  const work = useWork(async () => {
    const { project, dataset, location } = form;
    const source = await api(createSource, {
      params,
      body: {
        name,
        settings: {
          kind: 'bigquery',
          project,
          dataset,
          ...(location === '' ? {} : { location }),
          ...limitsIn('bigquery', limits),
        },
        ...(key === null ? {} : { credentials: { key } }),
      },
    });
    await api(startConnectionTest, { params, body: { source: source.id } });
    close();
  });
  return (
    <WorkForm work={work} submit="Save and test" cancel={close}>
      <div class="columns">
        <Field label="Name" value={name} onInput={setName} required maxLength={80} />
        <Field
          label="Project"
          value={form.project}
          onInput={(project) => set({ project: project.trim() })}
          required
          placeholder="company-analytics"
        />
        <Field
          label="Data set"
          value={form.dataset}
          onInput={(dataset) => set({ dataset: dataset.trim() })}
          required
          placeholder="sales"
        />
        <Field
          label="Location"
          value={form.location}
          onInput={(location) => set({ location: location.trim() })}
          placeholder="EU"
          hint="Optional: the test then says when the data set is elsewhere."
        />
        <KeyFile
          hint="Optional. Kept sealed; never shown again. Its account pays for what is scanned."
          onKey={(given) => {
            setKey(given?.text ?? null);
            if (given !== null && form.project === '') set({ project: given.projectId });
          }}
        />
      </div>
      <details>
        <summary>How much of BigQuery a load may take</summary>
        <LimitFields kind="bigquery" form={limits} onChange={setLimits} />
      </details>
      <p class="hint">
        Without a key the data set must carry the label <code>tradewind-tenant={tenant}</code> and be where
        the warehouse is. BigQuery then copies its tables by itself; views are read with a key only.
      </p>
    </WorkForm>
  );
}
