import { useState } from 'preact/hooks';
import { preflightEtl } from '#core/api/etl';
import type { TableEstimate } from '#core/preflight';
import { api } from '../../api.ts';
import { Sign } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { bytes, count, counted, duration } from '../../ui/format.ts';
import { Scroll } from '../../ui/scroll.tsx';
import { Failure } from '../../ui/states.tsx';
import { useWork } from '../../use-work.ts';

interface LoadCheckProps {
  readonly tenant: string;
  readonly model: string;
  readonly unavailable: string | null;
}

/** What a load would meet and take, found out before one is started. */
export function LoadCheck({ tenant, model, unavailable }: LoadCheckProps) {
  const [found, setFound] = useState<Awaited<ReturnType<typeof ask>> | null>(null);
  const ask = () => api(preflightEtl, { params: { tenant, model } });
  const work = useWork(async () => {
    setFound(null);
    setFound(await ask());
  });
  const failed = found?.checks.filter(({ ok }) => !ok) ?? [];
  return (
    <section class="stack" aria-label="Check before loading">
      <p class="row">
        <Button kind="plain" small busy={work.busy} unavailable={unavailable} onClick={work.run}>
          Check first
        </Button>
        <span class="quiet" aria-live="polite">
          {work.busy
            ? 'Asking the sources; nothing is loaded.'
            : found === null
              ? 'What would be in the way, and what a load will probably take. Nothing is loaded.'
              : summaryOf(failed.length, found.checks.length)}
        </span>
      </p>
      {work.error !== null && <Failure error={work.error} retry={work.run} />}
      {found !== null && (
        <>
          {failed.length > 0 && (
            <ul class="steps">
              {failed.map(({ check, where, message, remedy }) => (
                <li key={`${check} ${where}`}>
                  <Sign tone="bad" />
                  <div>
                    <p class="wrong">{message}</p>
                    {remedy !== null && <p>{remedy}</p>}
                  </div>
                </li>
              ))}
            </ul>
          )}
          {found.estimates.length > 0 && <Estimates estimates={found.estimates} />}
        </>
      )}
    </section>
  );
}

function summaryOf(failed: number, all: number): string {
  return failed === 0
    ? `Nothing is in the way: ${counted(all, 'check')} passed.`
    : `${counted(failed, 'check')} of ${count(all)} failed.`;
}

const BASIS: Readonly<Record<TableEstimate['basis'], string>> = {
  'former-loads': 'former loads',
  source: 'the source’s statistics',
  unknown: 'nothing is known',
};
const about = (value: number | null, show: (value: number) => string) => (value === null ? '–' : show(value));
const dollars = (cost: number) => (cost < 0.01 ? '< $0.01' : `$${cost.toFixed(2)}`);

function Estimates({ estimates }: { readonly estimates: readonly TableEstimate[] }) {
  return (
    <Scroll label="What a load will probably take">
      <table class="measured">
        <thead>
          <tr>
            <th scope="col">Table</th>
            <th scope="col" class="number">
              Rows
            </th>
            <th scope="col" class="number">
              Size
            </th>
            <th scope="col" class="number">
              Time
            </th>
            <th scope="col" class="number">
              BigQuery
            </th>
            <th scope="col">Reckoned from</th>
          </tr>
        </thead>
        <tbody>
          {estimates.map(({ table, name, rows, bytes: size, seconds, cost, basis }) => (
            <tr key={table}>
              <th scope="row">{name}</th>
              <td class="number">{about(rows, count)}</td>
              <td class="number">{about(size, bytes)}</td>
              <td class="number">{about(seconds, (value) => duration(value * 1000))}</td>
              <td class="number">{about(cost, dollars)}</td>
              <td class="quiet">{BASIS[basis]}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
