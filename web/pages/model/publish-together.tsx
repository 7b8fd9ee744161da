import { useEffect, useState } from 'preact/hooks';
import { updateModel } from '#core/api/models';
import { api } from '../../api.ts';
import { allowed } from '../../session.ts';
import { Check } from '../../ui/field.tsx';
import { Failure } from '../../ui/states.tsx';
import { useWork } from '../../use-work.ts';

interface PublishTogetherProps {
  readonly tenant: string;
  readonly model: string;
  readonly together: boolean;
}

/** Whether the tables of a load become visible in one moment. */
export function PublishTogether({ tenant, model, together }: PublishTogetherProps) {
  // Shown as chosen at once; as it is again where that fails.
  const [chosen, choose] = useState<boolean | null>(null);
  const change = useWork(async (publishTogether: boolean) => {
    choose(publishTogether);
    try {
      await api(updateModel, { params: { tenant, model }, body: { publishTogether } });
    } catch (error) {
      choose(null);
      throw error;
    }
  });
  useEffect(() => choose(null), [together]);
  if (!allowed(tenant, 'edit')) return null;
  return (
    <>
      <Check
        label="Publish all tables together"
        hint="A load’s tables become visible in one moment, or none does where one fails. Otherwise each is published as soon as it is complete."
        checked={chosen ?? together}
        onChange={change.run}
      />
      {change.error !== null && <Failure error={change.error} />}
    </>
  );
}
