/** How large the units of a table are, by how long those of its former loads took: pure. */
import type { EtlTable, ReadingSpeed } from '#core/etl-run';
import type { UnitRecord } from './records.ts';

/** A unit is to take about so long: little is lost with one, and little is spent on beginning it. */
const WANTED_SECONDS = 180;
/** What took less in all tells more of beginnings than of the source. */
const TELLING_SECONDS = 10;
/** Units are at most so many times smaller or larger than usual: of 512 MiB, down to 32 MiB and up to 1 GiB. */
const SMALLER = 16;
const LARGER = 2;
/** Units that each task has, where several read a large table: all are then done at about the same time. */
const PER_TASK = 4;

/** What a table's units are planned by. */
export interface UnitSize {
  /** The size of units of which nothing is known. */
  readonly usual: number;
  /** The table's own size, by the source's statistics; null: unknown. */
  readonly tableBytes: number | null;
  /** Tasks that read. */
  readonly tasks: number;
}

/**
 * Bytes of the source that a unit of the table is to have, whole numbers. Units are planned once and kept: one that is tried
 * again is the same, whatever was learnt since.
 * @param former its newest loads, in any order
 */
export function planUnitBytes(
  former: readonly Pick<EtlTable, 'reading'>[],
  { usual, tableBytes, tasks }: UnitSize,
): number {
  const least = Math.max(1, Math.floor(usual / SMALLER));
  let seconds = 0;
  let bytes = 0;
  for (const { reading } of former)
    if (reading?.bytes != null) {
      seconds += reading.seconds;
      bytes += reading.bytes;
    }
  const known = seconds >= TELLING_SECONDS && bytes > 0;
  const wanted = known ? (bytes / seconds) * WANTED_SECONDS : usual;
  const inRange = Math.min(usual * LARGER, Math.max(least, wanted));
  if (!known || tasks === 1 || tableBytes === null) return Math.round(inRange);
  // Larger units than usual are not worth tasks that have nothing to do.
  const share = Math.max(usual, tableBytes / (tasks * PER_TASK));
  return Math.round(Math.min(inRange, share));
}

/** How fast a table's units were read; null where nothing was, or none was timed. */
export function speedOf(units: readonly Pick<UnitRecord, 'unit' | 'seconds'>[]): ReadingSpeed | null {
  const timed = units.filter(({ seconds }) => seconds !== null);
  if (timed.length === 0) return null;
  let seconds = 0;
  let bytes: number | null = 0;
  for (const unit of timed) {
    seconds += unit.seconds ?? 0;
    const { estimatedBytes } = unit.unit;
    bytes = bytes === null || estimatedBytes === null ? null : bytes + estimatedBytes;
  }
  return { units: timed.length, seconds: Math.round(seconds * 1000) / 1000, bytes };
}
