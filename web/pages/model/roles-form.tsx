import type { Role } from '#core/guess-roles';
import { Choice } from '../../ui/field.tsx';
import { type Draft, nameOf, ROLES } from './dataset-draft.ts';

interface RolesFormProps {
  readonly draft: Draft;
  /** How sure the guess is of each role; empty for what a person saved. */
  readonly confidence: Readonly<Partial<Record<Role, number>>>;
  readonly onChange: (role: Role, column: string) => void;
}

/** One select per role. Guesses that are unsure say so. */
export function RolesForm({ draft, confidence, onChange }: RolesFormProps) {
  const options = draft.columns.map((ref) => [nameOf(ref), nameOf(ref)] as const);
  return (
    <div class="columns">
      {ROLES.map(({ role, title, hint, required }) => {
        const sure = confidence[role];
        return (
          <Choice
            key={role}
            label={required ? title : `${title} (optional)`}
            value={draft.roles[role] ?? ''}
            options={[['', required ? 'Choose…' : 'none'], ...options]}
            hint={sure !== undefined && sure < 0.5 ? 'Unsure: please check.' : hint === '' ? undefined : hint}
            onChange={(column) => onChange(role, column)}
          />
        );
      })}
    </div>
  );
}
