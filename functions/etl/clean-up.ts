import type { EtlTable } from '#core/etl-run';
import { inLanes } from '#core/in-lanes';
import type { Log } from '#runtime/log';
import type { Place } from './place.ts';
import { stagingTables } from './staging.ts';
import { dropUnits } from './units.ts';

/** Staging tables removed at a time. */
const LANES = 8;

/**
 * Removes what a run needed on its way: staged files, staging tables (those of a table that was published went before it
 * was told to be), units. Done
 * before a run is over, so that whoever goes on with it after a death does it too. What cannot be removed now goes by
 * itself: staging tables after a day, staged files by the bucket's life cycle after a week.
 */
export async function cleanUp(
  place: Omit<Place, 'tenant'>,
  tables: readonly EtlTable[],
  log: Log,
): Promise<void> {
  const { warehouse, files, stage } = place;
  const attempt = async (what: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      log.warn('something of the run stays for now', { what, error: String(error) });
    }
  };
  const staging = tables
    .filter((table) => table.status !== 'succeeded')
    .flatMap((table) => stagingTables(place, table.id));
  await inLanes(staging, LANES, (ref) => attempt(ref.table, () => warehouse.deleteTable(ref)));
  await attempt('staged files', () => files.deleteAll(stage));
  await attempt('units', () => dropUnits(place));
}
