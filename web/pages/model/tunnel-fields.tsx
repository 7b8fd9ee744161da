import type { SshCredentials, SshTunnel } from '#core/source';
import { Choice, Field, Lines } from '../../ui/field.tsx';

/** What is typed of a tunnel. */
export interface TunnelForm {
  readonly host: string;
  readonly port: string;
  readonly user: string;
  readonly hostKey: string;
  readonly by: 'key' | 'password';
  readonly privateKey: string;
  /** Of the key where there is one: its passphrase. */
  readonly secret: string;
}

export const NO_TUNNEL: TunnelForm = {
  host: '',
  port: '22',
  user: '',
  hostKey: '',
  by: 'key',
  privateKey: '',
  secret: '',
};

interface TunnelProps {
  readonly form: TunnelForm;
  readonly onChange: (form: TunnelForm) => void;
}

/** The way through a server of the customer's that takes SSH, where there is one: without a host there is none. */
export function TunnelFields({ form, onChange }: TunnelProps) {
  const set = (part: Partial<TunnelForm>) => onChange({ ...form, ...part });
  const needed = form.host !== '';
  return (
    <details>
      <summary>Through an SSH tunnel</summary>
      <p class="quiet">
        For a database that is not on the internet: a server that is (a bastion) passes the connection on, and
        looks the database’s host up itself.
      </p>
      <div class="columns">
        <Field
          label="SSH host"
          value={form.host}
          onInput={(host) => set({ host })}
          placeholder="bastion.company.com"
        />
        <Field label="SSH port" type="number" value={form.port} onInput={(port) => set({ port })} />
        <Field label="SSH user" value={form.user} onInput={(user) => set({ user })} required={needed} />
        <Field
          label="Host key"
          value={form.hostKey}
          onInput={(hostKey) => set({ hostKey })}
          placeholder="SHA256:…"
          hint="As ssh-keygen -l prints it on that server. Left empty, the connection test shows it, to be compared."
        />
      </div>
      <SshSecrets form={form} onChange={onChange} />
    </details>
  );
}

/** How the tunnel's user signs in. */
export function SshSecrets({ form, onChange }: TunnelProps) {
  const set = (part: Partial<TunnelForm>) => onChange({ ...form, ...part });
  const sealed = 'Kept sealed; never shown again.';
  return (
    <div class="columns">
      <Choice
        label="SSH sign-in"
        value={form.by}
        options={[
          ['key', 'by a private key'],
          ['password', 'by a password'],
        ]}
        onChange={(by) => set({ by })}
      />
      {form.by === 'key' && (
        <Lines
          label="SSH private key"
          value={form.privateKey}
          onInput={(privateKey) => set({ privateKey })}
          hint={sealed}
        />
      )}
      <Field
        label={form.by === 'key' ? 'Passphrase of the key' : 'SSH password'}
        type="password"
        value={form.secret}
        onInput={(secret) => set({ secret })}
        autoComplete="new-password"
        hint={form.by === 'key' ? 'Where it has one.' : sealed}
      />
    </div>
  );
}

/** The tunnel's settings; none where no host was given. */
export function tunnelOf({ host, port, user, hostKey }: TunnelForm): { tunnel?: SshTunnel } {
  if (host.trim() === '') return {};
  const key = hostKey.trim();
  return { tunnel: { host: host.trim(), port: Number(port), user, hostKey: key === '' ? null : key } };
}

/** What is sealed of a tunnel; none where nothing was given. */
export function sshOf({ by, privateKey, secret }: TunnelForm): { ssh?: SshCredentials } {
  if (by === 'password') return secret === '' ? {} : { ssh: { password: secret } };
  if (privateKey.trim() === '') return {};
  return { ssh: { privateKey, ...(secret === '' ? {} : { passphrase: secret }) } };
}
