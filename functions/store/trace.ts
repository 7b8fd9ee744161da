import { AsyncLocalStorage } from 'node:async_hooks';

/** Which request the present work belongs to: carried from the edge through messages into containers. */
export interface Trace {
  /** The id of the HTTP request, or of the schedule's firing, that everything of this work goes back to. */
  readonly requestId: string;
  /**
   * Where the request carried an Idempotency-Key: what ids made for it are derived from, so that the same request,
   * repeated after a crash, makes the same documents and not others beside them.
   */
  readonly idSeed?: string;
}

interface Carried extends Trace {
  /** Ids made so far. */
  made: number;
}

const carried = new AsyncLocalStorage<Carried>();

/** Does `work` as part of `trace`. */
export function traced<T>(trace: Trace, work: () => Promise<T>): Promise<T> {
  return carried.run({ ...trace, made: 0 }, work);
}

/** The trace of the present work, if it has one. */
export function currentTrace(): Trace | undefined {
  return carried.getStore();
}

/** What the next id of a repeatable request is derived from; null where ids are to be random. */
export function nextIdSeed(): string | null {
  const trace = carried.getStore();
  return trace?.idSeed === undefined ? null : `${trace.idSeed}\n${trace.made++}`;
}
