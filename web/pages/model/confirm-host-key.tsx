import { startConnectionTest } from '#core/api/connection-tests';
import { updateSource } from '#core/api/sources';
import type { ConnectionTest } from '#core/connection-test';
import type { Source } from '#core/source';
import { api } from '../../api.ts';
import { Button } from '../../ui/button.tsx';
import { Failure } from '../../ui/states.tsx';
import { useWork } from '../../use-work.ts';

interface ConfirmProps {
  readonly tenant: string;
  readonly model: string;
  readonly source: Source;
  readonly test: ConnectionTest;
  readonly unavailable: string | null;
}

/** Where the tunnel's server has shown a key that nobody has confirmed yet: it is, and the connection is tested again. */
export function ConfirmHostKey({ tenant, model, source, test, unavailable }: ConfirmProps) {
  const { settings } = source;
  const tunnel = 'host' in settings ? settings.tunnel : undefined;
  const params = { tenant, model };
  const work = useWork(async (hostKey: string) => {
    if (!('host' in settings) || tunnel === undefined) return;
    const body = { settings: { ...settings, tunnel: { ...tunnel, hostKey } } };
    await api(updateSource, { params: { ...params, source: source.id }, body });
    await api(startConnectionTest, { params, body: { source: source.id } });
  });
  const failed = test.steps.find(({ name, status }) => name === 'tunnel' && status === 'failed');
  const shown = /shows the host key (SHA256:[A-Za-z0-9+/]{43})/.exec(failed?.message ?? '')?.[1];
  if (tunnel === undefined || shown === undefined || shown === tunnel.hostKey) return null;
  return (
    <div class="stack inset">
      <p>
        {tunnel.hostKey === null ? 'Is this the host key of' : 'Is this the new host key of'} {tunnel.host}?{' '}
        <code>{shown}</code>
      </p>
      <Button small busy={work.busy} unavailable={unavailable} onClick={() => work.run(shown)}>
        Yes, it is its key
      </Button>
      {work.error !== null && <Failure error={work.error} />}
    </div>
  );
}
