import { eventDeploy } from '#runtime/deploy';
import { onEvent } from '#runtime/event';
import { failTest, runTest } from './run.ts';

export const deploy = eventDeploy('connection-test-requested', { memory: '512Mi' });

export const handler = onEvent('connection-tests-test', 'connection-test-requested', {
  handle: (payload, { store, config }) => runTest(store, config, payload),
  fail: (payload, failure, { store }) => failTest(store, payload, failure),
});
