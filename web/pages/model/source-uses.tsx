import type { EtlRun } from '#core/etl-run';
import { counted } from '../../ui/format.ts';

/** How many connections a load holds of each of its sources, and how long it waited for those that were behind. */
export function SourceUses({ run, over }: { readonly run: EtlRun; readonly over: boolean }) {
  return (
    <>
      {Object.entries(run.sources).map(([source, { name, held, peak, most, waitedSeconds, lagSeconds }]) => (
        <p key={source} class="quiet">
          {name}: {over ? `${peak}` : held} of at most {counted(most, 'connection')}
          {over && ' at once'}
          {waitedSeconds > 0 &&
            ` · waited ${counted(waitedSeconds, 'second')} for the replica, which was ${counted(lagSeconds ?? 0, 'second')} behind`}
        </p>
      ))}
    </>
  );
}
