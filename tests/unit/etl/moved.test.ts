import { connectors } from '#connectors/registry';
import { SourceSettings } from '#core/source';
import { movedError, planPlace } from '../../../functions/etl/moved.ts';

const byId = { id: 'id', column: 'id' };
const last = { run: 'r1', cursor: 'id', watermark: '9', place: 'a:5432/shop', columns: null };
const decided = (decision: 'same' | 'other' | null, more: object = {}) => ({
  from: 'a:5432/shop',
  to: 'b:5432/shop',
  run: 'r1',
  askedAt: '2026-01-01T00:00:00.000Z',
  decision,
  ...more,
});

test('a watermark of another place is gone on from only when somebody has said so, of that very publication', () => {
  const at = (moved: ReturnType<typeof decided> | null) => planPlace(byId, last, 'b:5432/shop', moved);
  expect(at(null)).toBe('ask');
  expect(at(decided(null))).toBe('ask');
  expect(at(decided('same'))).toBe('same');
  expect(at(decided('other'))).toBe('other');
  // It was published again since, from elsewhere; or the decision was about a third place.
  expect(at(decided('same', { run: 'r0' }))).toBe('ask');
  expect(at(decided('same', { to: 'c:5432/shop' }))).toBe('ask');
});

test('nothing is asked where nothing is gone on from, or nobody knows of another place', () => {
  expect(planPlace(byId, last, 'a:5432/shop', null)).toBeNull();
  expect(planPlace(null, last, 'b:5432/shop', null)).toBeNull();
  expect(planPlace(byId, null, 'b:5432/shop', null)).toBeNull();
  expect(planPlace({ id: 'other', column: 'other' }, last, 'b:5432/shop', null)).toBeNull();
  expect(planPlace(byId, { ...last, place: null }, 'b:5432/shop', null)).toBeNull();
});

test('the error names both places and what to do', () => {
  expect(movedError('orders', 'a:1/x', 'b:1/x', false)).toMatchObject({
    code: 'place-changed',
    message: '"orders" was loaded from a:1/x and its source is at b:1/x now. Nothing was read.',
  });
});

test('a place is the address and nothing else of a source', () => {
  const place = (settings: object, table: string) => {
    const parsed = SourceSettings.parse(settings);
    return connectors[parsed.kind].placeOf(parsed, table);
  };
  const server = { host: 'DB.example', database: 'Shop', user: 'u' };
  for (const [kind, port] of [['postgres', 5432], ['mysql', 3306], ['sqlserver', 1433]] as const) {
    expect(place({ kind, ...server }, 'orders')).toBe(`db.example:${port}/Shop`);
    expect(place({ kind, ...server, user: 'v', sslMode: 'require' }, 'orders')).toBe(`db.example:${port}/Shop`);
  }
  const uris = ['gs://bucket/a/orders.csv', 'gs://bucket/days/*.csv'];
  expect(place({ kind: 'csv', uris }, 'orders.csv')).toBe('gs://bucket/a/orders.csv');
  expect(place({ kind: 'csv', uris: [...uris, 'gs://bucket/b/more.csv'] }, 'orders.csv')).toBe(uris[0]);
  expect(place({ kind: 'csv', uris }, 'gs://bucket/days/*.csv')).toBe('gs://bucket/days/*.csv');
}); // prettier-ignore
