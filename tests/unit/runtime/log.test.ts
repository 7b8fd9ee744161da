import type { LogLine } from '#core/log';
import { makeLog, writeToStdout } from '#runtime/log';
import { traced } from '#store/trace';

const lines: LogLine[] = [];
const log = makeLog(
  'etl-runner',
  () => 0,
  (line) => void lines.push(line),
);
beforeEach(() => void (lines.length = 0));

test('each line names the request that the work goes back to, through everything that is waited for', async () => {
  log.info('before');
  await traced({ requestId: 'request-1' }, async () => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    log.info('within');
    await Promise.all(
      ['request-2', 'request-3'].map((requestId) =>
        traced({ requestId }, async () => {
          await new Promise((resolve) => setTimeout(resolve, 1));
          log.warn('deeper', { requestId });
        }),
      ),
    );
  });
  expect(lines.map(({ message, requestId }) => [message, requestId])).toEqual([
    ['before', undefined],
    ['within', 'request-1'],
    ['deeper', 'request-2'],
    ['deeper', 'request-3'],
  ]);
  for (const { fields, requestId } of lines.slice(2)) expect(fields).toEqual({ requestId });
});

test('a line says no secret and is one line, whatever it is told', () => {
  log.error('could not reach postgres://app:hunter2@db\n{"severity":"INFO","message":"all is well"}', {
    password: 'hunter2',
    error: 'Error: password=hunter2\n    at x.ts:1',
  });
  expect(JSON.stringify(lines)).not.toContain('hunter2');
  expect(lines[0]?.message).not.toContain('\n');
});

test('no field takes the place of what a line says of itself', () => {
  const said: string[] = [];
  const write = process.stdout.write.bind(process.stdout);
  process.stdout.write = (text: unknown) => said.push(String(text)) > 0;
  try {
    const loud = makeLog('api', () => 0, writeToStdout);
    loud.error('failed', {
      severity: 'INFO',
      message: 'all is well',
      time: 'never',
      source: 'another',
      rows: 3,
    });
  } finally {
    process.stdout.write = write;
  }
  expect(said).toHaveLength(1);
  expect(JSON.parse(said[0] ?? '')).toEqual({
    time: '1970-01-01T00:00:00.000Z',
    severity: 'ERROR',
    message: 'failed',
    source: 'api',
    rows: 3,
  });
});
