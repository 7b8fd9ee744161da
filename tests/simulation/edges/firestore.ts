import { TransientError } from '#core/errors';

export class ConflictError extends TransientError {}

/** A process's database outlives a world: it is asked for the present one's at each use. */
const database = new Proxy({}, { get: (_, name) => Reflect.get(simulation.database, name) });

export const openDatabase = () => database;
