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
  const change = useWork(async (publishTogether: boolean) => {
    await api(updateModel, { params: { tenant, model }, body: { publishTogether } });
  });
  if (!allowed(tenant, 'edit')) return null;
  return (
    <>
      <Check
        label="Publish all tables together"
        hint="A load’s tables become visible in one moment, or none does where one fails. Otherwise each is published as soon as it is complete."
        checked={together}
        onChange={change.run}
      />
      {change.error !== null && <Failure error={change.error} />}
    </>
  );
}
