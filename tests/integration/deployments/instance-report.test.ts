import type { LogLine } from '#core/log';
import { paths } from '#core/paths';
import { listHealth, readHealth } from '#store/service-health';
import { LINES_PER_MINUTE, openServiceLog, readServiceLog } from '#store/service-log';
import { eventually } from '#tests/eventually';
import { freshTenant, openTestStore } from '#tests/store';
import { openInstanceReport } from '../../../functions/deployments/instance-report.ts';

const store = openTestStore();
afterAll(() => store.db.close());
let deployment: string;
beforeEach(() => {
  store.ahead = 0;
  deployment = paths.deployment(freshTenant(), 'm1234', 'd1234');
});

const line = (n: number): LogLine => ({
  at: new Date(store.clock()).toISOString(),
  severity: 'WARNING',
  message: `line ${n}`,
  source: 'i1234',
});

test('a service’s lines are kept newest first, page by page, and only so many of each minute', async () => {
  const log = openServiceLog(store, deployment, 'i1234');
  for (let n = 0; n < LINES_PER_MINUTE + 40; n++) log.write(line(n));
  store.ahead += 60_000;
  await log.flush();
  for (let n = 200; n < 210; n++) log.write(line(n));
  await log.close();

  const seen: string[] = [];
  let after: string | undefined;
  let pages = 0;
  do {
    const page = await readServiceLog(store, deployment, { limit: 5, after });
    seen.push(...page.items.map(({ message }) => message));
    after = page.next ?? undefined;
    pages += 1;
  } while (after !== undefined);
  expect(pages).toBeGreaterThan(1);
  expect(seen.slice(0, 2)).toEqual(['line 209', 'line 208']);
  expect(seen).toContain('40 more lines in a minute were not kept.');
  expect(seen.filter((message) => message.startsWith('line '))).toHaveLength(LINES_PER_MINUTE + 10);
  expect(seen.at(-1)).toBe('line 0');
  // They go by themselves.
  const [chunk] = await store.db.list(paths.logs(deployment));
  expect(chunk?.data['expireAt'].toMillis()).toBeGreaterThan(Date.now() + 29 * 86_400_000);
});

test('an instance counts its own answers, says when it ends, and why it could not go on', async () => {
  const report = openInstanceReport(store, deployment, 'tw-one', 50);
  await eventually('the start', async () => (await readHealth(store, deployment, 'tw-one')).started === 1);
  report.answered(200, 3);
  report.answered(503, 900);
  await eventually('the counts', async () => (await readHealth(store, deployment, 'tw-one')).requests === 2);
  await report.close();
  expect(await readHealth(store, deployment, 'tw-one')).toMatchObject({
    requests: 2,
    errors: 1,
    started: 1,
    ended: 1,
  });

  const other = openInstanceReport(store, deployment, 'tw-two');
  await other.crashed('the version could not be loaded', new Error('no such file'));
  await other.crashed('instance crashed', new Error('no such file'));
  expect(await listHealth(store, deployment, 'tw-two')).toMatchObject([{ state: 'up', requests: 0 }]);
  const { items } = await readServiceLog(store, deployment, { limit: 10 });
  expect(items.map(({ message }) => message)).toEqual(['the version could not be loaded']);
  expect(items[0]?.fields?.['error']).toMatch(/no such file/);
  await other.close();
});
