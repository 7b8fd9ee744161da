/**
 * A source whose address was changed: its tables go on from no watermark of the former place until somebody has said what is
 * at the new one. A load that finds it so asks, in the table's document; the answer holds for the publication it was about.
 */
import { TerminalError } from '#core/errors';
import { paths } from '#core/paths';
import { type Moved, type NewPlace, SourceTable } from '#core/source';
import { revise } from '#store/document';
import { now } from '#store/store';
import type { LastPublished, ReadCursor } from './plan.ts';
import type { Place } from './place.ts';

/** What is to be done of a table's place: nothing, to go on or begin anew as was decided, or to ask. */
export type PlaceStep = NewPlace | 'ask' | null;

/** Whether a table may go on from `last` at the place `to`; `moved`: what was asked and decided before. */
export function planPlace(
  cursor: ReadCursor | null,
  last: LastPublished | null,
  to: string,
  moved: Moved | null,
): PlaceStep {
  // Every row is replaced; or nothing says where the last ones were read.
  if (cursor === null || last === null || last.cursor !== cursor.id) return null;
  if (last.place === null || last.place === to) return null;
  const about = moved?.from === last.place && moved.to === to && moved.run === last.run;
  return about ? (moved.decision ?? 'ask') : 'ask';
}

/** What a person is told whose decision is needed. */
export function movedError(name: string, from: string, to: string, adds: boolean): TerminalError {
  return new TerminalError(
    'place-changed',
    `"${name}" was loaded from ${from} and its source is at ${to} now. Nothing was read.`,
    {
      remedy: `Say on the Sources page what is at the new place: the same data, to go on with${adds ? ' (the file there counts as new)' : ''}; or other data, for which the table begins anew.`,
    },
  );
}

/** Writes the question into the table's document, unless it is there. */
export async function askAboutPlace(
  { store, key }: Pick<Place, 'store' | 'key'>,
  table: Pick<SourceTable, 'id' | 'source'>,
  { from, to, run }: Pick<Moved, 'from' | 'to' | 'run'>,
): Promise<void> {
  const path = paths.sourceTable(key.tenant, key.model, table.source, table.id);
  await revise(store, path, SourceTable, (value) => {
    const same = value.moved?.from === from && value.moved.to === to && value.moved.run === run;
    if (same) return null;
    return { value: { ...value, moved: { from, to, run, askedAt: now(store), decision: null } } };
  });
}

/** Takes away a question that has been answered by a load, or that is none any more. */
export async function forgetPlace(
  { store, key }: Pick<Place, 'store' | 'key'>,
  table: Pick<SourceTable, 'id' | 'source'>,
): Promise<void> {
  const path = paths.sourceTable(key.tenant, key.model, table.source, table.id);
  if ((await store.db.get(path)) === null) return;
  await revise(store, path, SourceTable, (value) =>
    value.moved === null ? null : { value: { ...value, moved: null } },
  );
}
