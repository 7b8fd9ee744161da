import { UnitRecord } from '../../functions/etl/records.ts';

/** A unit of a table's first epoch of which nothing was done yet, but for what `given` says. */
export function unitRecord(given: Partial<UnitRecord> & Pick<UnitRecord, 'table' | 'source'>): UnitRecord {
  const number = given.number ?? 0;
  return UnitRecord.parse({
    epoch: 1,
    number,
    unit: { id: `u${number}`, table: 'orders', part: {}, estimatedRows: null, estimatedBytes: null },
    status: 'pending',
    holder: null,
    expiresAt: 0,
    attempts: 0,
    notBefore: 0,
    settled: null,
    uri: null,
    rejectsUri: null,
    tally: null,
    rejected: {},
    failure: null,
    ...given,
  });
}
