import { updateAlertChannel } from '#core/api/alerts';
import {
  AlertChannel,
  AlertChannelDefinition,
  channelsFor,
  DELIVERY_PAUSES,
  type Observation,
  pauseAfter,
  planState,
} from '#core/alert';

const subject = { kind: 'etl', id: 'mone1', name: 'Parts' } as const;
const cause = { code: 'source-unreachable', message: 'It did not answer.', remedy: null };
const seen = (minute: number, healthy: boolean, evidence = `rrun${minute}`): Observation => ({
  subject,
  healthy,
  at: `2026-11-01T08:${String(minute).padStart(2, '0')}:00.000Z`,
  evidence,
  cause: healthy ? null : cause,
});

/** The changes that a series of observations tells. */
function told(...series: readonly Observation[]): string[] {
  let state: NonNullable<ReturnType<typeof planState>>['state'] | null = null;
  const changes: string[] = [];
  for (const one of series) {
    const plan = planState(state, one);
    state = plan?.state ?? state;
    if (plan?.change) changes.push(`${plan.change} by ${one.evidence}`);
  }
  return changes;
}

test('a change is told once: not while it stays, and not where all was well from the first', () => {
  expect(told(seen(1, true))).toEqual([]);
  expect(told(seen(1, false))).toEqual(['failed by rrun1']);
  expect(told(seen(1, false), seen(2, false), seen(3, true), seen(4, true), seen(5, false))).toEqual([
    'failed by rrun1',
    'recovered by rrun3',
    'failed by rrun5',
  ]);
});

test('what is told of twice, or late, changes nothing', () => {
  expect(told(seen(1, false), seen(1, false), seen(2, true), seen(2, true))).toEqual([
    'failed by rrun1',
    'recovered by rrun2',
  ]);
  // The failure at 1 is heard of after the success at 2.
  expect(told(seen(2, true), seen(1, false))).toEqual([]);
});

test('one thing can be well first and fail later: a deployment that is taken back', () => {
  expect(told(seen(1, true, 'done1'), seen(2, false, 'done1'), seen(2, false, 'done1'))).toEqual([
    'failed by done1',
  ]);
});

test('failures are counted while it fails, and since when is kept', () => {
  const first = planState(null, seen(1, false));
  const second = planState(first?.state ?? null, seen(2, false));
  expect(second).toMatchObject({ change: null, state: { failures: 2, since: seen(1, false).at } });
});

const channel = (id: string, model: string | null, rest: Partial<AlertChannel> = {}): AlertChannel => ({
  id,
  name: id,
  model,
  kinds: ['etl', 'pipeline'],
  enabled: true,
  target: { kind: 'email', members: ['u1'] },
  createdBy: 'u1',
  createdAt: '2026-11-01T08:00:00.000Z',
  updatedAt: '2026-11-01T08:00:00.000Z',
  ...rest,
});
const ids = (list: readonly AlertChannel[]) => list.map(({ id }) => id);

test('a model’s own channels go before the tenant’s, also where they are turned off or want other kinds', () => {
  const ofTenant = channel('hall1', null);
  const own = channel('hown1', 'mone1');
  expect(ids(channelsFor([ofTenant, own], 'mone1', 'etl'))).toEqual(['hown1']);
  expect(ids(channelsFor([ofTenant, own], 'mtwo1', 'etl'))).toEqual(['hall1']);
  expect(ids(channelsFor([ofTenant, own], 'mone1', 'schedule'))).toEqual([]);
  const off = channel('hoff1', 'mone1', { enabled: false });
  expect(ids(channelsFor([ofTenant, off], 'mone1', 'etl'))).toEqual([]);
});

test('eight tries within a day, each pause longer than the one before', () => {
  expect(DELIVERY_PAUSES.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(25 * 3600);
  expect([...DELIVERY_PAUSES].sort((a, b) => a - b)).toEqual(DELIVERY_PAUSES);
  expect([pauseAfter(1), pauseAfter(7), pauseAfter(8)]).toEqual([30, 39_600, null]);
});

test.each([
  'http://hooks.example.com/x',
  'https://user:pw@hooks.example.com/x',
  'https://hooks.example.com/#x',
  'file:///etc/passwd',
  'hooks.example.com',
  '',
])('%p is no address of a webhook', (url) => {
  expect(AlertChannelDefinition.safeParse({ name: 'Hook', target: { kind: 'webhook', url } }).success).toBe(
    false,
  );
});

test('a change of a channel is none that makes its record unreadable', () => {
  const made = channel('hall1', null);
  for (const kinds of [['etl'], ['etl', 'etl'], [], ['etl', 'pipeline', 'schedule', 'deployment']])
    expect(updateAlertChannel.body.safeParse({ kinds }).success).toBe(
      AlertChannel.safeParse({ ...made, kinds }).success,
    );
  expect(updateAlertChannel.body.parse({ name: 'Other' })).toEqual({ name: 'Other' });
});
