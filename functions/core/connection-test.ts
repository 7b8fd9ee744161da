import { z } from 'zod';
import { FailureSchema } from './failure.ts';
import { Id, Moment } from './ids.ts';
import type { LifeCycle } from './life-cycle.ts';

/** One step of a test: what was tried, how long it took, what to do if it failed. */
export const TestStep = z.object({
  name: z.enum(['resolve', 'reach', 'tunnel', 'tls', 'sign-in', 'permissions', 'read']),
  status: z.enum(['passed', 'failed', 'skipped']),
  milliseconds: z.number(),
  message: z.string(),
  remedy: z.string().nullable(),
});
export type TestStep = z.infer<typeof TestStep>;

export const ConnectionTestStatus = z.enum(['queued', 'running', 'passed', 'failed']);
export type ConnectionTestStatus = z.infer<typeof ConnectionTestStatus>;

/** `…/models/{m}/connectionTests/{id}`. */
export const ConnectionTest = z.object({
  id: Id,
  source: Id,
  status: ConnectionTestStatus,
  steps: z.array(TestStep),
  failure: FailureSchema.nullable(),
  createdAt: Moment,
  finishedAt: Moment.nullable(),
});
export type ConnectionTest = z.infer<typeof ConnectionTest>;

/** queued → running → passed | failed */
export const connectionTestCycle: LifeCycle<ConnectionTestStatus, 'start' | 'pass' | 'fail'> = {
  queued: { start: 'running', pass: null, fail: 'failed' },
  running: { start: null, pass: 'passed', fail: 'failed' },
  passed: { start: null, pass: null, fail: null },
  failed: { start: null, pass: null, fail: null },
};
