import type { Database } from '#cloud/firestore';
import type { Bus } from '#cloud/pubsub';
import type { FilesClient } from './cloud/files.ts';
import type { SimulatedJobs } from './cloud/jobs.ts';
import type { SimulatedServices } from './cloud/services.ts';
import type { WarehouseClient } from './cloud/warehouse.ts';

/** Everything by which production code reaches what is not itself. */
export interface Edge {
  readonly database: Database;
  readonly bus: Bus;
  readonly files: FilesClient;
  readonly warehouse: WarehouseClient;
  readonly jobs: SimulatedJobs;
  readonly services: SimulatedServices;
  readonly bytes: (n: number) => Uint8Array;
  /** A task's work takes a while. @throws the signal's reason */
  readonly pause: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
  readonly between: (low: number, high: number) => number;
  readonly chance: (share: number) => boolean;
}
