/** The `if…Match` conditions of the JSON API, checked against the live object (or its absence). */
import type { ObjectRecord } from './object-store.ts';
import { StorageError } from './storage-error.ts';

/**
 * Throws 412 where a condition does not hold (304 for the `Not` forms of a read). Generation 0 stands for "no live object".
 * `prefix` is `ifSource` for the source of a copy.
 */
export function checkPreconditions(
  query: URLSearchParams,
  record: ObjectRecord | null,
  { prefix = 'if', read = false }: { prefix?: 'if' | 'ifSource'; read?: boolean } = {},
): void {
  const actual = { Generation: record?.generation ?? '0', Metageneration: record?.metageneration ?? '0' };
  for (const kind of ['Generation', 'Metageneration'] as const) {
    const wanted = query.get(`${prefix}${kind}Match`);
    if (wanted !== null && wanted !== actual[kind])
      throw new StorageError(
        412,
        'conditionNotMet',
        `At least one of the pre-conditions you specified did not hold: ${prefix}${kind}Match=${wanted}, but it is ${actual[kind]}`,
      );
    const refused = query.get(`${prefix}${kind}NotMatch`);
    if (refused !== null && refused === actual[kind])
      throw new StorageError(
        read ? 304 : 412,
        read ? 'notModified' : 'conditionNotMet',
        `At least one of the pre-conditions you specified did not hold: ${prefix}${kind}NotMatch=${refused}`,
      );
  }
}
