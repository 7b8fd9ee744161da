/*
 * What goes wrong. Each seed draws a profile: which kinds of fault its world has, and how often. So some worlds are calm
 * but for one kind, and what only shows when two kinds meet is met as well (swarm testing, Groce et al., ISSTA 2012).
 */
import type { Random } from './random.ts';

/** What may happen to a call that leaves a process. */
export const CALL_FAULTS = [
  /** The process is gone before the call has any effect. */
  'crash-before',
  /** The call has its effect; the process is gone before the answer. */
  'crash-after',
  /** The call fails and has no effect. */
  'error',
  /** The call has its effect, and fails. */
  'answer-lost',
  /** The process stands still for longer than a lease lasts, the call still ahead of it. */
  'pause-before',
  /** Likewise, with the call's effect behind it. */
  'pause-after',
] as const;
export type CallFault = (typeof CALL_FAULTS)[number];

/** What may happen to a message. */
export const MESSAGE_FAULTS = [
  /** Delivered once more, at the same time or later, even after it was acknowledged. */
  'duplicated',
  /** On its way for minutes. */
  'delayed',
  /** Never arrives, until it is delivered again. */
  'lost',
] as const;
export type MessageFault = (typeof MESSAGE_FAULTS)[number];

/** A process's clock is up to five minutes wrong. */
export const SKEW_MS = 5 * 60_000;

/** Everything that is counted; `reordered`: a message overtook one of its topic that was published before it. */
export type FaultKind = CallFault | MessageFault | 'skewed' | 'reordered';
export const FAULT_KINDS: readonly FaultKind[] = [...CALL_FAULTS, ...MESSAGE_FAULTS, 'skewed', 'reordered'];

/** A seed's faults. After `stop` nothing goes wrong any more. */
export interface Faults {
  readonly fired: Record<FaultKind, number>;
  /** What happens to the next call, or null. `reads`: the call changes nothing, so its answer cannot be lost in vain. */
  ofCall(reads: boolean): CallFault | null;
  ofMessage(kind: MessageFault): boolean;
  /** How far a new process's clock is off, in milliseconds. */
  skew(): number;
  stop(): void;
}

/** The faults of a world. */
export function makeFaults(random: Random): Faults {
  const rate = (...choices: readonly [number, ...number[]]) =>
    random.chance(0.5) ? random.pick(choices) : 0;
  const calls = Object.fromEntries(
    CALL_FAULTS.map((kind) => [
      kind,
      // Whoever stands still loses no time of the simulation's own.
      kind.startsWith('pause') ? rate(0.005, 0.02, 0.06) : rate(0.002, 0.008, 0.025),
    ]),
    // One rate for every kind of the list.
  ) as Record<CallFault, number>;
  const messages: Record<MessageFault, number> = {
    duplicated: rate(0.05, 0.3),
    delayed: rate(0.05, 0.3),
    lost: rate(0.05, 0.2),
  };
  const skewed = rate(0.1, 0.4);
  // Made once, so that every kind is there.
  const fired = Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 0])) as Record<FaultKind, number>;
  const none: Partial<Record<CallFault, true>> = { 'answer-lost': true, 'crash-after': true };
  let stopped = false;
  return {
    fired,
    ofCall(reads) {
      if (stopped) return null;
      let drawn = random.next();
      for (const kind of CALL_FAULTS) {
        drawn -= calls[kind];
        if (drawn >= 0) continue;
        if (reads && none[kind] === true) return null;
        fired[kind]++;
        return kind;
      }
      return null;
    },
    ofMessage(kind) {
      if (stopped || !random.chance(messages[kind])) return false;
      fired[kind]++;
      return true;
    },
    skew() {
      if (stopped || !random.chance(skewed)) return 0;
      fired.skewed++;
      return Math.round(random.between(-SKEW_MS, SKEW_MS));
    },
    stop() {
      stopped = true;
    },
  };
}
