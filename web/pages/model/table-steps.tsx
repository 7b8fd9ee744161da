import { type EtlTable, type LoadedAsIs, stepTimes, type TableStep } from '#core/etl-run';
import { counted, duration } from '../../ui/format.ts';

const DONE: Readonly<Record<TableStep, string>> = {
  planning: 'planned',
  extracting: 'read',
  loading: 'loaded',
  proving: 'proved',
  publishing: 'published',
};

/** What the load of a table took its time by, in a line; nothing before its first step is over. */
export function StepsLine({ table }: { readonly table: Pick<EtlTable, 'marks' | 'finishedAt'> }) {
  const times = stepTimes(table);
  if (times.length === 0) return null;
  return (
    <span class="hint proof">
      {times.map(([step, took]) => `${DONE[step]} in ${duration(took)}`).join(', ')}
    </span>
  );
}

/** Whether a table's files were loaded as they are, and why not; nothing where that is never so. */
export function AsItIsLine({ asItIs }: { readonly asItIs: LoadedAsIs | null }) {
  return asItIs === null ? null : <span class="hint proof">{asItIsText(asItIs)}</span>;
}

/** The same as text. */
export function asItIsText({ files, written, why, refused }: LoadedAsIs): string {
  const reason = refused === null ? why : `BigQuery did not take it as it is (${refused})`;
  const because = reason === null ? '' : `: ${reason}`;
  if (written === 0) return files === 1 ? 'loaded as it is' : `${counted(files, 'file')} loaded as they are`;
  if (files === 0) return `written anew${because}`;
  return `${counted(files, 'file')} loaded as they are; others written anew${because}`;
}
