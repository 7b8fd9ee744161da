import { checkVerification, signVerification } from '#core/api/verify';

const key = new Uint8Array(32).fill(7);
const body = new TextEncoder().encode('{"lists":[]}');
const NOW = 1_790_000_000_000;
const check = (
  token: string,
  changed: { key?: Uint8Array; deployment?: string; body?: Uint8Array; now?: number } = {},
) =>
  checkVerification(
    changed.key ?? key,
    changed.deployment ?? 'd123',
    token,
    changed.body ?? body,
    changed.now ?? NOW,
  );

test('a signature lets exactly its request through, to its deployment, for its minute', async () => {
  const token = await signVerification(key, 'd123', NOW + 60_000, body);
  expect(token).toMatch(/^twv1\.1790000060000\.[\w-]{43}$/);
  expect(await check(token)).toBe(true);
  expect(await check(token, { now: NOW + 60_000 })).toBe(true);
  expect(await check(token, { now: NOW + 60_001 })).toBe(false);
  expect(await check(token, { deployment: 'd124' })).toBe(false);
  expect(await check(token, { key: new Uint8Array(32).fill(8) })).toBe(false);
  expect(await check(token, { body: new TextEncoder().encode('{"lists":[1]}') })).toBe(false);
});

test('a signature for longer than a minute and a half is refused, however well made', async () => {
  expect(await check(await signVerification(key, 'd123', NOW + 600_000, body))).toBe(false);
});

test.each([
  '',
  'twv1',
  'twv1.1790000060000.',
  `twv1.1790000060000.${'A'.repeat(43)}`,
  `twv1.9.${'A'.repeat(43)}`,
  'eyJhbGciOiJub25lIn0.e30.',
])('what is no signature is refused: %j', async (token) => {
  expect(await check(token)).toBe(false);
});

test('a signature whose time was changed is refused', async () => {
  const token = await signVerification(key, 'd123', NOW - 1, body);
  expect(await check(token.replace(String(NOW - 1), String(NOW + 60_000)))).toBe(false);
});
