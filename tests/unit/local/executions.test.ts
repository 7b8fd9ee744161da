import { planResume } from '#scripts/local/control-plane/executions';
import type { ExecutionRecord, TaskRecord } from '#scripts/local/control-plane/journal';
import { executionFailure, planExecution, toExecution } from '#scripts/local/control-plane/run-jobs';

const NAME = 'projects/p/locations/l/jobs/j/executions/j-abcde';
const job = {
  name: 'projects/p/locations/l/jobs/j',
  template: {
    taskCount: 2,
    template: {
      maxRetries: 1,
      timeout: { seconds: 90 },
      containers: [
        {
          image: 'eu/p/t/j:1',
          args: ['--own'],
          env: [
            { name: 'A', value: '1' },
            { name: 'B', value: '2' },
          ],
        },
      ],
    },
  },
};
const plan = (overrides: object = {}): ExecutionRecord =>
  planExecution(job, { name: job.name, overrides }, NAME, 1000);
const task = (state: TaskRecord['state'], attempt = 0): TaskRecord => ({ state, attempt });

test('an execution follows its template', () => {
  expect(plan()).toMatchObject({
    parallelism: 2,
    maxRetries: 1,
    timeoutMs: 90_000,
    container: { image: 'eu/p/t/j:1', args: ['--own'], env: { A: '1', B: '2' } },
    tasks: [task('pending'), task('pending')],
  });
});

test('overrides win: arguments replace, variables are added', () => {
  const containerOverrides = [{ args: ['--other'], env: [{ name: 'B', value: '3' }] }];
  const planned = plan({ taskCount: 3, timeout: { seconds: 5 }, containerOverrides });
  expect(planned).toMatchObject({
    timeoutMs: 5000,
    container: { args: ['--other'], env: { A: '1', B: '3' } },
  });
  expect(planned.tasks).toHaveLength(3);
  expect(plan({ containerOverrides: [{ clearArgs: true }] }).container.args).toEqual([]);
});

test('a value from a secret is refused by name', () => {
  const containerOverrides = [{ env: [{ name: 'KEY', valueSource: { secretKeyRef: {} } }] }];
  expect(() => plan({ containerOverrides })).toThrow('env KEY: values from secrets are not supported');
});

test('the state of an execution is the sum of its tasks', () => {
  const running = { ...plan(), tasks: [task('running', 1), task('succeeded')] };
  expect(toExecution(running, '/logs')).toMatchObject({
    runningCount: 1,
    succeededCount: 1,
    retriedCount: 1,
    reconciling: true,
  });
  expect(executionFailure(running)).toBeNull();

  const exit = { code: 3, signal: 0, message: 'The container exited with the code 3.' };
  const failed = {
    ...plan(),
    completionTime: 2000,
    tasks: [task('succeeded'), { ...task('failed', 1), exit }],
  };
  expect(executionFailure(failed)).toEqual({
    reason: 'NON_ZERO_EXIT_CODE',
    message: `Task ${NAME}/tasks/j-abcde-task1 failed with message: The container exited with the code 3.`,
  });
  expect(toExecution(failed, '/logs').conditions?.[0]).toMatchObject({
    type: 'Completed',
    state: 'CONDITION_FAILED',
  });
});

test.each([
  ['with an attempt left it is tried again', task('running', 0), false, { state: 'pending', attempt: 1 }],
  ['without one it has failed', task('running', 1), false, { state: 'failed', attempt: 1 }],
  ['asked to end, it is cancelled', task('running', 0), true, { state: 'cancelled', attempt: 0 }],
  ['ended before, it stays as it is', task('succeeded'), false, { state: 'succeeded', attempt: 0 }],
])('a task whose control plane died: %s', (_, before, cancelRequested, after) => {
  const record = { ...before };
  planResume({ ...plan(), cancelRequested }, record);
  expect(record).toMatchObject(after);
});
