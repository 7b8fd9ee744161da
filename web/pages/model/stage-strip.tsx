import { to } from '../../paths.ts';
import { Sign } from '../../ui/badge.tsx';
import type { StripItem } from './stages.ts';

interface StripProps {
  readonly items: readonly StripItem[];
  readonly tenant: string;
  readonly model: string;
}

/** The way of the data as a strip that moves with it; each stage leads to where it is worked on. */
export function StageStrip({ items, tenant, model }: StripProps) {
  return (
    <ol class="strip" aria-label="Stages">
      {items.map(({ name, tone, text, section }) => (
        <li key={name} class={tone} data-stage={name.toLowerCase()} data-tone={tone}>
          <a href={to.model(tenant, model, section)}>
            <span class="dot">
              <Sign tone={tone} />
            </span>
            <span class="stage-name">{name}</span>
            <span class="stage-text">{text}</span>
          </a>
        </li>
      ))}
    </ol>
  );
}
