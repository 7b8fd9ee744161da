import type { ComponentChildren } from 'preact';
import type { Work } from '../use-work.ts';
import { Button } from './button.tsx';
import { Failure } from './states.tsx';

interface WorkFormProps {
  /** What sending the form does. */
  readonly work: Work<[]>;
  /** What its button says. */
  readonly submit: string;
  readonly cancel: () => void;
  readonly children: ComponentChildren;
  /** Its name, where it opens within something else: it is then set off from that. */
  readonly label?: string;
  /** Why it cannot be sent now. */
  readonly unavailable?: string | null;
}

/** A form with its fields, what its sending failed with, and the buttons that send it and leave it. */
export function WorkForm({ work, submit, cancel, children, label, unavailable = null }: WorkFormProps) {
  return (
    <form
      class={label === undefined ? 'stack' : 'stack inset'}
      aria-label={label}
      onSubmit={(event) => {
        event.preventDefault();
        work.run();
      }}
    >
      {children}
      {work.error !== null && <Failure error={work.error} />}
      <div class="row">
        <Button type="submit" busy={work.busy} unavailable={unavailable}>
          {submit}
        </Button>
        <Button kind="plain" onClick={cancel}>
          Cancel
        </Button>
      </div>
    </form>
  );
}
