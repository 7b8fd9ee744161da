import type { CloudSqlWay } from '#core/cloud-sql';
import { Choice, Field } from '../../ui/field.tsx';
import { KeyFile } from './key-file.tsx';

/** What is given of an instance of Cloud SQL. */
export interface CloudSqlForm {
  readonly address: CloudSqlWay['address'];
  /** The text of a service account's key; null: the installation's own account connects. */
  readonly key: string | null;
}

export const NO_CLOUD_SQL: CloudSqlForm = { address: 'public', key: null };

interface CloudSqlProps {
  readonly instance: string;
  readonly form: CloudSqlForm;
  readonly onInstance: (instance: string) => void;
  readonly onChange: (form: CloudSqlForm) => void;
}

/** The instance that a database is in, and how it is connected to. */
export function CloudSqlFields({ instance, form, onInstance, onChange }: CloudSqlProps) {
  return (
    <>
      <Field
        label="Instance"
        value={instance}
        onInput={(name) => onInstance(name.trim())}
        required
        placeholder="project:region:instance"
        hint="Its connection name, from its page in the console."
      />
      <Choice
        label="By its"
        value={form.address}
        options={[
          ['public', 'public IP address'],
          ['private', 'private IP address'],
          ['psc', 'Private Service Connect name'],
        ]}
        onChange={(address) => onChange({ ...form, address })}
      />
      <KeyFile
        hint="Optional. Of a service account with the role Cloud SQL Client. Kept sealed; never shown again."
        onKey={(given) => onChange({ ...form, key: given?.text ?? null })}
      />
    </>
  );
}

/** What has to be so without a key. Its address needs to let nobody in: Cloud SQL does, by certificates. */
export function CloudSqlHint({ tenant }: { readonly tenant: string }) {
  return (
    <p class="hint">
      Without a key the instance must carry the label <code>tradewind-tenant={tenant}</code>, and the
      installation’s service accounts need the role Cloud SQL Client in its project. No network has to be
      authorized; the connection is encrypted, and both sides show certificates.
    </p>
  );
}
