import { remember, TRUSTED_SECONDS } from '../../../functions/runtime/remember.ts';

test('a finding is trusted for a minute at most, and failures not at all', async () => {
  let now = 0;
  let role: string | null = 'viewer';
  let looks = 0;
  const look = remember(
    (tenant: string, uid: string) => `${tenant}\n${uid}`,
    async (tenant, uid) => {
      looks += 1;
      if (uid === 'broken') throw new Error('away');
      return role === null ? null : `${role} of ${tenant}`;
    },
    () => now,
  );
  expect(await look('t1', 'u1')).toBe('viewer of t1');
  role = null;
  now = TRUSTED_SECONDS * 1000 - 1;
  expect(await look('t1', 'u1')).toBe('viewer of t1');
  now += 1;
  expect(await look('t1', 'u1')).toBeNull();
  expect(await look('t2', 'u1')).toBeNull();
  expect(looks).toBe(3);
  await expect(look('t1', 'broken')).rejects.toThrow('away');
  await expect(look('t1', 'broken')).rejects.toThrow('away');
  expect(looks).toBe(5);
});
