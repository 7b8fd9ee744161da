import type { ComponentChildren, Ref } from 'preact';

interface ScrollProps {
  readonly label: string;
  readonly children: ComponentChildren;
  readonly kind?: 'scroll' | 'log' | 'sql';
  readonly box?: Ref<HTMLElement>;
  readonly onScroll?: (box: HTMLElement) => void;
}

/** Something wider or longer than its place: scrolls by itself, by keyboard too. */
export function Scroll({ label, children, kind = 'scroll', box, onScroll }: ScrollProps) {
  return (
    <section
      ref={box ?? null}
      class={kind}
      aria-label={label}
      // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- the arrow keys scroll only what has the focus
      tabIndex={0}
      onScroll={({ currentTarget }) => onScroll?.(currentTarget)}
    >
      {children}
    </section>
  );
}
