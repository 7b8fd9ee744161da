import { useState } from 'preact/hooks';
import { startConnectionTest } from '#core/api/connection-tests';
import { setCredentials } from '#core/api/sources';
import { api } from '../../api.ts';
import { WorkForm } from '../../ui/work-form.tsx';
import { useWork } from '../../use-work.ts';
import { KeyFile } from './key-file.tsx';

interface ChangeKeyProps {
  readonly tenant: string;
  readonly model: string;
  readonly source: string;
  readonly close: () => void;
}

/** Seals a new key for a source and tests the connection with it. The old one is shown nowhere. */
export function ChangeKey({ tenant, model, source, close }: ChangeKeyProps) {
  const [key, setKey] = useState<string | null>(null);
  const params = { tenant, model };
  const work = useWork(async () => {
    if (key === null) return;
    await api(setCredentials, { params: { ...params, source }, body: { key } });
    setKey(null);
    await api(startConnectionTest, { params, body: { source } });
    close();
  });
  return (
    <WorkForm
      work={work}
      submit="Save and test"
      cancel={close}
      label="Change the key"
      unavailable={key === null ? 'Choose the key’s file first.' : null}
    >
      <KeyFile
        required
        hint="Takes the place of the sealed one; the connection is tested with it."
        onKey={(given) => setKey(given?.text ?? null)}
      />
    </WorkForm>
  );
}
