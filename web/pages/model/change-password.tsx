import { useState } from 'preact/hooks';
import { startConnectionTest } from '#core/api/connection-tests';
import { setCredentials } from '#core/api/sources';
import { api } from '../../api.ts';
import { Field } from '../../ui/field.tsx';
import { WorkForm } from '../../ui/work-form.tsx';
import { useWork } from '../../use-work.ts';
import { KeyFile } from './key-file.tsx';
import { NO_TUNNEL, sshOf, SshSecrets } from './tunnel-fields.tsx';

interface ChangePasswordProps {
  readonly tenant: string;
  readonly model: string;
  readonly source: string;
  /** What else is sealed with the password: the sign-in of a tunnel, or a key for Cloud SQL. */
  readonly way: 'tunnel' | 'cloud-sql' | null;
  readonly close: () => void;
}

/** Seals a new password for a source and tests the connection with it. The old one is shown nowhere. */
export function ChangePassword({ tenant, model, source, way, close }: ChangePasswordProps) {
  const [password, setPassword] = useState('');
  const [tunnel, setTunnel] = useState(NO_TUNNEL);
  const [key, setKey] = useState<string | null>(null);
  const params = { tenant, model };
  const work = useWork(async () => {
    await api(setCredentials, {
      params: { ...params, source },
      body: {
        password,
        ...(way === 'tunnel' ? sshOf(tunnel) : {}),
        ...(key === null ? {} : { key }),
      },
    });
    setPassword('');
    setTunnel(NO_TUNNEL);
    setKey(null);
    await api(startConnectionTest, { params, body: { source } });
    close();
  });
  return (
    <WorkForm work={work} submit="Save and test" cancel={close} label="Change the password">
      <div class="columns few">
        <Field
          label="New password"
          type="password"
          value={password}
          onInput={setPassword}
          required
          autoComplete="new-password"
          hint={
            way === 'tunnel'
              ? 'Takes the place of the sealed one. The SSH sign-in stays as it is where you give none.'
              : 'Takes the place of the sealed one; the connection is tested with it.'
          }
        />
        {way === 'cloud-sql' && (
          <KeyFile
            hint="Optional: where you give none, what was given for Cloud SQL stays."
            onKey={(given) => setKey(given?.text ?? null)}
          />
        )}
      </div>
      {way === 'tunnel' && <SshSecrets form={tunnel} onChange={setTunnel} />}
    </WorkForm>
  );
}
