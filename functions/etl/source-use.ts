/**
 * What a run has of a source, bounded over all of its tasks: each connection has a seat, of which there are as many as the
 * source lets a load hold. A seat is kept by renewing it; one whose process died is free again after half a minute. A process
 * that stood still for longer finds its seat taken, or takes it again where there is room. Whoever coordinates a run is task 0
 * and the only one: seats of its predecessors are free at once.
 */
import { ConflictError } from '#cloud/firestore';
import { TransientError } from '#core/errors';
import type { SourceUse } from '#core/etl-run';
import { paths } from '#core/paths';
import type { Source } from '#core/source';
import { connectionLimit } from '#core/source-limits';
import { read } from '#store/document';
import { z } from 'zod';
import { pause } from './pause.ts';
import type { Place } from './place.ts';

/** A seat holds for so long unless renewed; renewed every third of it. */
const SEAT_SECONDS = 30;
/** Others change the same record: tries of one change. */
const TRIES = 12;

/** `…/etlRuns/{r}/lease/source-{s}` */
const Held = z.object({
  most: z.int(),
  /** When each seat is free again unless renewed, in milliseconds since the epoch of clocks. */
  seats: z.record(z.string(), z.number()),
  peak: z.int(),
  waitedSeconds: z.number(),
  lagSeconds: z.number().nullable(),
});
type Held = z.infer<typeof Held>;

/** One connection's right to be. */
export interface Seat {
  /** Never throws; may be called again. */
  free(): Promise<void>;
}

/** One task's seats, and what it tells of its waiting. */
export interface SourceUses {
  /** Null where all that the source allows are taken. */
  take(source: Source): Promise<Seat | null>;
  /** Takes one as soon as there is one. @throws TransientError `too-many-connections` after a minute */
  wait(source: Source, signal: AbortSignal): Promise<Seat>;
  /** A task has waited so long because the source, a replica, was `lagSeconds` behind. */
  waited(source: Source, seconds: number, lagSeconds: number): Promise<void>;
  close(): Promise<void>;
}

/** The record with one more seat (`<task>:<process>:<number>`); null where there is none. Pure. */
export function withSeat(held: Held, seat: string, now: number): Held | null {
  const [task, process] = seat.split(':');
  const seats = Object.fromEntries(
    Object.entries(living(held, now)).filter(
      ([other]) => task !== '0' || !other.startsWith('0:') || other.startsWith(`0:${process}:`),
    ),
  );
  if (!(seat in seats) && Object.keys(seats).length >= held.most) return null;
  seats[seat] = now + SEAT_SECONDS * 1000;
  return { ...held, seats, peak: Math.max(held.peak, Object.keys(seats).length) };
}

/** The record without the seat. Pure. */
export function withoutSeat(held: Held, seat: string, now: number): Held {
  const { [seat]: _, ...seats } = living(held, now);
  return { ...held, seats };
}

function living({ seats }: Held, now: number): Record<string, number> {
  return Object.fromEntries(Object.entries(seats).filter(([, until]) => until > now));
}

const FREE: Seat = { free: async () => undefined };

/** The seats of one task, of the process that `holder` names. */
export function openSourceUses({
  store,
  path,
  task,
  holder,
}: Pick<Place, 'store' | 'path'> & { readonly task: number; readonly holder: string }): SourceUses {
  const self = `${task}:${holder.replaceAll(':', '-')}`;
  const mine = new Map<string, Source>();
  let number = 0;
  const place = (source: Source) => paths.etlSource(path, source.id);

  const change = async (source: Source, plan: (held: Held, now: number) => Held | null): Promise<boolean> => {
    // None of a source that holds none, and is only waited for.
    const most = connectionLimit(source.settings) ?? 0;
    const none: Held = { most, seats: {}, peak: 0, waitedSeconds: 0, lagSeconds: null };
    for (let attempt = 1; ; attempt++) {
      const found = await read(store, place(source), Held);
      const next = plan({ ...(found?.value ?? none), most }, store.clock());
      if (next === null) return false;
      const { seats, ...counts } = next;
      const use: SourceUse = { name: source.name, held: Object.keys(seats).length, ...counts };
      try {
        await store.db.commit([
          found === null
            ? { kind: 'create', path: place(source), data: next }
            : { kind: 'update', path: place(source), data: next, version: found.version },
          // Shown in the run, in the same batch: what it says is never older than what was shown before.
          { kind: 'update', path, data: { [`sources.${source.id}`]: use } },
        ]);
        return true;
      } catch (error) {
        if (!(error instanceof ConflictError) || attempt === TRIES) throw error;
        await pause(20 * attempt, NEVER);
      }
    }
  };

  const renew = (): void => {
    for (const [seat, source] of mine)
      change(source, (held, now) => withSeat(held, seat, now)).catch(() => undefined);
  };
  const timer = setInterval(renew, (SEAT_SECONDS * 1000) / 3);
  timer.unref();

  const leave = async (seat: string, source: Source): Promise<void> => {
    if (!mine.delete(seat)) return;
    try {
      await change(source, (held, now) => withoutSeat(held, seat, now));
    } catch {
      // It is free by itself soon.
    }
  };

  const uses: SourceUses = {
    async take(source) {
      if (connectionLimit(source.settings) === null) return FREE;
      const seat = `${self}:${++number}`;
      if (!(await change(source, (held, now) => withSeat(held, seat, now)))) return null;
      mine.set(seat, source);
      return { free: () => leave(seat, source) };
    },
    async wait(source, signal) {
      const until = store.clock() + 2 * SEAT_SECONDS * 1000;
      for (;;) {
        const seat = await uses.take(source);
        if (seat !== null) return seat;
        if (store.clock() > until) throw taken(source);
        await pause(1000, signal);
      }
    },
    async waited(source, seconds, lagSeconds) {
      await change(source, (held) => ({
        ...held,
        waitedSeconds: held.waitedSeconds + seconds,
        lagSeconds,
      }));
    },
    async close() {
      clearInterval(timer);
      for (const [seat, source] of Array.from(mine)) await leave(seat, source);
    },
  };
  return uses;
}

const NEVER = new AbortController().signal;

function taken({ name, settings }: Source): TransientError {
  const most = connectionLimit(settings);
  return new TransientError(
    'too-many-connections',
    `All ${most} connections that "${name}" allows a load are taken.`,
    { remedy: 'It is tried again; if it keeps happening, let the source have more (maxConnections).' },
  );
}
