/* What main.ts prints. */
import { z } from 'zod';

const Violation = z.object({ invariant: z.string(), detail: z.string(), at: z.number() });
const Counts = z.record(z.string(), z.number());

/** The worlds of some seeds, counted together. `seconds`: of processor time. */
export const SeedsReport = z.object({
  from: z.int(),
  to: z.int(),
  seconds: z.number(),
  steps: z.int(),
  /** How often each fault fired. */
  faults: Counts,
  /** How many runs of each kind ended how. */
  ends: Counts,
  failed: z.array(z.object({ seed: z.int(), violations: z.array(Violation) })),
});
export type SeedsReport = z.infer<typeof SeedsReport>;

/** A planted bug and the world that found it; null: none did. */
export const BugReport = z.object({
  name: z.string(),
  violates: z.string(),
  caught: Violation.extend({ seed: z.int() }).nullable(),
  seconds: z.number(),
});
export type BugReport = z.infer<typeof BugReport>;
