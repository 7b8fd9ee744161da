/** What is asked of a source for a unit, whatever is made of the answer. */
import type { TableWriter } from '#columnar/table-writer';
import type { ExtractRequest } from '#connectors/connector';
import type { Column } from '#core/column';
import { type Failure, TerminalError } from '#core/errors';
import type { Meter } from './caps.ts';
import type { Progress } from './progress.ts';
import type { TablePlan } from './records.ts';
import type { Scope } from './scope.ts';
import type { ClaimedUnit } from './units.ts';

/** Who hears of what is read, and says when it is too much. */
export interface Watching {
  readonly progress: Pick<Progress, 'reading' | 'read'>;
  readonly meter: Pick<Meter, 'over'>;
}

/** Where the files of this try of the unit lie, without what their names end with. */
export function fileBase(
  { stage }: Pick<Scope, 'stage'>,
  { id }: TablePlan,
  { record }: ClaimedUnit,
): string {
  return `${stage}${id}/e${record.epoch}-u${record.number}-a${record.attempts}`;
}

/** What is asked of the source for a unit. */
export function requestOf(
  { filter, limit }: TablePlan,
  { record: { unit } }: ClaimedUnit,
  columns: readonly Column[],
  writer: TableWriter,
): Omit<ExtractRequest, 'reject' | 'signal'> {
  const { object, written, ...rest } = unit;
  return {
    unit: {
      ...rest,
      ...(object === undefined ? {} : { object }),
      ...(written === undefined ? {} : { written }),
    },
    columns,
    writer,
    ...(filter === null ? {} : { filter }),
    ...(limit === null ? {} : { limit }),
  };
}

/** Ends a reading at a cap. */
export function stopAtCap(reading: AbortController, over: Failure | null): void {
  if (over === null) return;
  const { code, message, remedy } = over;
  reading.abort(new TerminalError(code, message, remedy === null ? {} : { remedy }));
}
