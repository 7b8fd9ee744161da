/** A store in memory, for functions that need no more of Firestore than its documents and guards. */
import { ConflictError } from '#cloud/firestore';
import { TransientError } from '#core/errors';
import type { Store } from '#store/store';
import { makeDatabase, type SimulatedDatabase } from '../simulation/cloud/database.ts';

export interface MemoryStore extends Store {
  readonly seed: SimulatedDatabase['seed'];
  readonly look: SimulatedDatabase['look'];
}

/** An empty one; `clock` in milliseconds since 1970. What is announced is published nowhere. */
export function memoryStore(clock: () => number = Date.now): MemoryStore {
  // What the simulation's database asks of its kernel: calls that neither wait nor fail.
  const kernel = {
    errors: { ConflictError, TransientError },
    processes: {
      call: (_: string, effect: () => unknown) => Promise.resolve().then(effect),
      current: () => null,
    },
    violated: (what: string, how: string) => {
      throw new Error(`${what}: ${how}`);
    },
  };
  const { client, seed, look } = makeDatabase(kernel as never, () => undefined);
  let drawn = 0;
  return {
    db: client,
    bus: { publish: () => Promise.resolve() } as never,
    clock,
    random: (n) => new Uint8Array(n).fill(++drawn),
    seed,
    look,
  };
}
