import { signal } from '@preact/signals';

const said = signal('');

/** Says `text` to people who cannot see the change. */
export function announce(text: string): void {
  said.value = text;
}

/** The page's one live region; politely waits for its turn. */
export function Announcer() {
  return (
    <output class="unseen" aria-live="polite">
      {said.value}
    </output>
  );
}
