import { useState } from 'preact/hooks';
import { startConnectionTest } from '#core/api/connection-tests';
import { setCredentials } from '#core/api/sources';
import { api } from '../../api.ts';
import { Button } from '../../ui/button.tsx';
import { Failure } from '../../ui/states.tsx';
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
    <form
      class="stack inset"
      aria-label="Change the key"
      onSubmit={(event) => {
        event.preventDefault();
        work.run();
      }}
    >
      <KeyFile
        required
        hint="Takes the place of the sealed one; the connection is tested with it."
        onKey={(given) => setKey(given?.text ?? null)}
      />
      {work.error !== null && <Failure error={work.error} />}
      <div class="row">
        <Button
          type="submit"
          busy={work.busy}
          unavailable={key === null ? 'Choose the key’s file first.' : null}
        >
          Save and test
        </Button>
        <Button kind="plain" onClick={close}>
          Cancel
        </Button>
      </div>
    </form>
  );
}
