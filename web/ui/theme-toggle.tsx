import { chooseTheme, theme, type Theme } from './theme.ts';

const NEXT: Readonly<Record<Theme, Theme>> = { system: 'light', light: 'dark', dark: 'system' };
const SIGN: Readonly<Record<Theme, string>> = { system: '◐', light: '☀', dark: '☾' };

/** One button through three choices: as the system, light, dark. */
export function ThemeToggle() {
  const now = theme.value;
  return (
    <button
      class="button plain small icon"
      type="button"
      aria-label={`Colours: ${now}. Change to ${NEXT[now]}.`}
      title={`Colours: ${now}`}
      onClick={() => chooseTheme(NEXT[now])}
    >
      <span aria-hidden="true">{SIGN[now]}</span>
    </button>
  );
}
