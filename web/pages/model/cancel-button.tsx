import { Button } from '../../ui/button.tsx';
import { Failure } from '../../ui/states.tsx';
import { useWork } from '../../use-work.ts';
import { allowed } from '../../session.ts';
import { READ_ONLY } from './sources-section.tsx';

interface CancelProps {
  readonly tenant: string;
  /** What ends, as the button names it: `the load`. */
  readonly what: string;
  /** When its end was asked for; null: not yet. */
  readonly requestedAt: string | null;
  readonly cancel: () => Promise<unknown>;
}

/** Ends what is at work: asked for once, then seen to end. What it has done so far stays. */
export function CancelButton({ tenant, what, requestedAt, cancel }: CancelProps) {
  const work = useWork(async () => void (await cancel()));
  const asked = requestedAt !== null;
  return (
    <>
      <Button
        kind="plain"
        small
        label={asked ? `Cancelling ${what}` : `Cancel ${what}`}
        busy={work.busy || asked}
        unavailable={allowed(tenant, 'run') ? null : READ_ONLY}
        onClick={work.run}
      >
        {asked ? 'Cancelling' : 'Cancel'}
      </Button>
      {work.error !== null && <Failure error={work.error} retry={work.run} />}
    </>
  );
}
