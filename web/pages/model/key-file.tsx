import { useId, useState } from 'preact/hooks';
import { readServiceAccountKey } from '#core/service-account-key';

interface KeyFileProps {
  readonly required?: boolean;
  readonly hint: string;
  /** The text of a file that is a key, with the account it is of; null where none is chosen, or another file. */
  readonly onKey: (key: { readonly text: string; readonly projectId: string } | null) => void;
}

/** Takes the file of a service account's key. Says whose it is; the key itself is shown nowhere. */
export function KeyFile({ required = false, hint, onKey }: KeyFileProps) {
  const id = useId();
  const [said, setSaid] = useState<{ readonly text: string; readonly wrong: boolean } | null>(null);
  const take = async (input: HTMLInputElement): Promise<void> => {
    const file = input.files?.[0];
    // A form with a wrong file is not sent: without a key the source would be another one.
    const tell = (text: string, wrong: boolean) => {
      input.setCustomValidity(wrong ? text : '');
      setSaid({ text, wrong });
    };
    if (file === undefined) {
      input.setCustomValidity('');
      setSaid(null);
      onKey(null);
      return;
    }
    const text = file.size > 10_000 ? '' : await file.text();
    const read = readServiceAccountKey(text);
    if ('problem' in read) {
      tell(`${file.name} is no key of a service account: ${read.problem}.`, true);
      onKey(null);
    } else {
      tell(`Signs in as ${read.key.email}.`, false);
      onKey({ text, projectId: read.key.projectId });
    }
  };
  return (
    <div class="field">
      <label htmlFor={id}>Service account key (JSON file)</label>
      <input
        id={id}
        type="file"
        accept=".json,application/json"
        required={required}
        aria-describedby={`${id}-note`}
        aria-invalid={said?.wrong === true}
        onChange={(event) => void take(event.currentTarget)}
      />
      <p id={`${id}-note`} class={said?.wrong === true ? 'hint wrong' : 'hint'} aria-live="polite">
        {said?.text ?? hint}
      </p>
    </div>
  );
}
