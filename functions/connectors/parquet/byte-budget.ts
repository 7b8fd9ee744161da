/** The memory that an extraction may hold at once: hostile and careless files meet this limit and not the machine's. */
import { FormatError } from './format-error.ts';

/** Bytes of pages, compressed and decoded, of all columns together. A task has 1 GiB. */
export const BUDGET_BYTES = 384 * 1024 * 1024;

/** What is held now. `take` what is about to be allocated, `give` it back when it is let go. */
export interface ByteBudget {
  take(bytes: number): void;
  give(bytes: number): void;
}

/** A budget of `limit` bytes. */
export function makeByteBudget(limit = BUDGET_BYTES): ByteBudget {
  let held = 0;
  return {
    take(bytes) {
      held += bytes;
      if (held > limit)
        throw new FormatError(
          `its pages take ${held} bytes in memory at once, more than the ${limit} that are set aside`,
          'page-too-big',
          'Write it with smaller data pages or smaller row groups, or with fewer columns.',
        );
    },
    give(bytes) {
      held -= bytes;
    },
  };
}
