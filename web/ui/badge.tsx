import { type Tone, toneOf } from './tone.ts';

const SIGNS: Readonly<Record<Tone, string>> = { idle: '○', running: '◌', good: '✓', warning: '!', bad: '✗' };

/** A status by sign, colour and word: never by colour alone. */
export function Badge({ status, text }: { readonly status: string; readonly text?: string }) {
  const tone = toneOf(status);
  return (
    <span class={`badge ${tone}`}>
      <Sign tone={tone} /> {text ?? status}
    </span>
  );
}

export function Sign({ tone }: { readonly tone: Tone }) {
  return (
    <span class={`sign ${tone}`} aria-hidden="true">
      {SIGNS[tone]}
    </span>
  );
}
