import { absolute, ago } from './format.ts';

/** A moment as people say it, exact on hover. */
export function Ago({ at }: { readonly at: string }) {
  return (
    <time dateTime={at} title={absolute(at)}>
      {ago(at, Date.now())}
    </time>
  );
}
