import { count } from '../../ui/format.ts';
import type { Reason } from './reasons.ts';

interface ReasonListProps {
  readonly title: string;
  /** Tells it from others on the page; the title otherwise. */
  readonly label?: string;
  readonly reasons: readonly Reason[];
  /** Of how many the reasons are: their share is shown. */
  readonly of: number;
}

/** What was left out and why, with its share of everything. */
export function ReasonList({ title, label = title, reasons, of }: ReasonListProps) {
  if (reasons.length === 0) return null;
  return (
    <div class="reasons-of">
      <h3>{title}</h3>
      <dl class="reasons" aria-label={label}>
        {reasons.map(({ text, count: found }) => (
          <div key={text}>
            <dt>{text}</dt>
            <dd>
              {count(found)} <span class="quiet">{share(found, of)}</span>
            </dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

/** 12 of 1,000 → `1.2 %`; tiny shares say so rather than 0. */
function share(part: number, whole: number): string {
  if (whole <= 0) return '';
  const percent = (part / whole) * 100;
  return percent < 0.1 ? '< 0.1 %' : `${percent.toFixed(1)} %`;
}
