import type { ComponentChildren } from 'preact';
import type { z } from 'zod';
import type { FailureSchema } from '#core/failure';
import type { Live } from '../live.ts';
import { to } from '../paths.ts';
import { explain } from '../sentences.ts';
import { Button } from './button.tsx';

/** What failed, what to do, what to quote to support, and another try. */
export function Failure({
  error,
  retry,
}: {
  readonly error: unknown;
  readonly retry?: (() => void) | undefined;
}) {
  const { what, remedy, code, requestId, issues } = explain(error);
  return (
    <div class="notice bad" role="alert">
      <p>
        <strong>{what}</strong> {remedy}
      </p>
      {issues.length > 0 && (
        <ul>
          {issues.map((issue) => (
            <li key={issue.path}>
              {issue.path === '' ? '' : <code>{issue.path}</code>} {issue.message}
            </li>
          ))}
        </ul>
      )}
      {requestId !== null && (
        <p class="quiet">
          Request <code>{requestId}</code>
          {code !== null && (
            <>
              {' '}
              · <Code code={code} />
            </>
          )}
        </p>
      )}
      {retry !== undefined && (
        <Button kind="plain" small onClick={retry}>
          Try again
        </Button>
      )}
    </div>
  );
}

/** An error's code, leading to what it means and what to do. */
export function Code({ code }: { readonly code: string }) {
  return (
    <a href={to.help(code)}>
      <code>{code}</code>
    </a>
  );
}

/** The failure that a run or test recorded. */
export function RecordedFailure({ failure }: { readonly failure: z.infer<typeof FailureSchema> }) {
  return (
    <div class="notice bad">
      <p>
        <strong>{failure.message}</strong> {failure.remedy}
      </p>
      <p class="quiet">
        <Code code={failure.code} />
      </p>
    </div>
  );
}

/** Grey bars in the shape of what is coming; they appear only where it takes longer than a glance. */
export function Skeleton({
  lines = 3,
  label = 'Loading',
}: {
  readonly lines?: number;
  readonly label?: string;
}) {
  return (
    <output class="skeleton" aria-label={`${label}…`}>
      {Array.from({ length: lines }, (_, line) => (
        <span key={line} />
      ))}
    </output>
  );
}

/** What belongs here, and the one thing to do about it. */
export function Empty({
  title,
  children,
}: {
  readonly title: string;
  readonly children?: ComponentChildren;
}) {
  return (
    <div class="empty">
      <p class="title">{title}</p>
      {children}
    </div>
  );
}

interface ShownProps<T> {
  readonly of: Live<T>;
  readonly children: (value: T) => ComponentChildren;
  readonly lines?: number;
}

/** `children` with the value once it is there; bars before, the failure with another try otherwise. */
export function Shown<T>({ of, children, lines }: ShownProps<T>) {
  if (of.state === 'loading') return <Skeleton lines={lines ?? 3} />;
  if (of.state === 'failed') return <Failure error={of.error} retry={of.retry} />;
  return <>{children(of.value)}</>;
}
