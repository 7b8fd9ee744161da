import type { ComponentChildren } from 'preact';

interface ButtonProps {
  readonly children: ComponentChildren;
  readonly kind?: 'primary' | 'plain';
  readonly type?: 'button' | 'submit';
  readonly busy?: boolean;
  /** Why it cannot be used now: shown, and read with the button's name. */
  readonly unavailable?: string | null | undefined;
  readonly small?: boolean;
  readonly label?: string;
  readonly onClick?: () => void;
}

/** A button that stays focusable while busy or unavailable, so that its reason can be read. */
export function Button(props: ButtonProps) {
  const { kind = 'primary', type = 'button', busy = false, unavailable = null, small = false } = props;
  const off = busy || unavailable !== null;
  return (
    <button
      class={`button ${kind} ${small ? 'small' : ''}`}
      type={type}
      aria-disabled={off}
      aria-busy={busy}
      aria-label={props.label}
      title={unavailable ?? undefined}
      onClick={(event) => {
        if (off) event.preventDefault();
        else props.onClick?.();
      }}
    >
      {busy && <span class="spinner" aria-hidden="true" />}
      {props.children}
    </button>
  );
}
