import type { SourceKind } from '#core/source';
import { type Limited, limitsOf } from '#core/source-limits';
import { Field } from '../../ui/field.tsx';

/** What is typed of how much a load may take. */
export interface LimitsForm {
  readonly minutes: string;
  readonly connections: string;
  /** Empty: a replica is never waited for. */
  readonly lag: string;
}

/** The form over what there is. */
export function limitsForm(limits: Limited): LimitsForm {
  const { statementMs, maxConnections, maxLagSeconds } = limitsOf(limits);
  return {
    minutes: String(statementMs / 60_000),
    connections: String(maxConnections),
    lag: maxLagSeconds === null ? '' : String(maxLagSeconds),
  };
}

/** What of it sources of the kind have. */
export function limitsIn(kind: SourceKind, { minutes, connections, lag }: LimitsForm): Limited {
  return {
    statementMinutes: Number(minutes),
    ...(kind === 'postgres' ? { maxConnections: Number(connections) } : {}),
    ...(kind === 'postgres' || kind === 'mysql' ? { maxLagSeconds: lag === '' ? null : Number(lag) } : {}),
  };
}

interface LimitFieldsProps {
  readonly kind: SourceKind;
  readonly form: LimitsForm;
  readonly onChange: (form: LimitsForm) => void;
}

/** How much of the customer's server a load may take. */
export function LimitFields({ kind, form, onChange }: LimitFieldsProps) {
  const set = (part: Partial<LimitsForm>) => onChange({ ...form, ...part });
  return (
    <div class="columns">
      <Field
        label="Longest statement, in minutes"
        type="number"
        min={1}
        max={1440}
        required
        value={form.minutes}
        onInput={(minutes) => set({ minutes })}
        hint="Reading a part of a table is one statement. What takes longer is ended, and its table fails."
      />
      {kind === 'postgres' && (
        <Field
          label="Connections at once"
          type="number"
          min={2}
          max={50}
          required
          value={form.connections}
          onInput={(connections) => set({ connections })}
          hint="Of a load, at most. One of them holds the moment that the others read."
        />
      )}
      {(kind === 'postgres' || kind === 'mysql') && (
        <Field
          label="Longest lag of a replica, in seconds"
          type="number"
          min={1}
          max={86_400}
          value={form.lag}
          onInput={(lag) => set({ lag })}
          hint="Where the server is a copy that is further behind, a load waits for it, ten minutes at most. Empty: never."
        />
      )}
    </div>
  );
}
