import { TerminalError } from '#core/errors';
import {
  remember,
  rememberSignIns,
  SIGN_IN_SECONDS,
  TRUSTED_SECONDS,
} from '../../../functions/runtime/remember.ts';

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

test('however many names of nobody are asked about, those who are known stay so', async () => {
  const looks = new Map<string, number>();
  const look = remember(
    (name: string) => name,
    async (name) => {
      looks.set(name, (looks.get(name) ?? 0) + 1);
      return name === 'anna' ? 'somebody' : null;
    },
    () => 0,
  );
  expect(await look('anna')).toBe('somebody');
  for (let n = 0; n < 10_001; n++) expect(await look(`nobody${n}`)).toBeNull();
  expect(await look('anna')).toBe('somebody');
  expect(looks.get('anna')).toBe(1);
  // The oldest of them was forgotten for the newest.
  await look('nobody10000');
  await look('nobody0');
  expect([looks.get('nobody10000'), looks.get('nobody0')]).toEqual([1, 2]);
});

test('a sign-in is verified once in five seconds; one that was refused, each time', async () => {
  let now = 0;
  let verified = 0;
  let isOut = false;
  const signIns = rememberSignIns(
    {
      async verify(token) {
        verified += 1;
        if (isOut || token !== 'good') throw new TerminalError('unauthenticated', 'No.');
        return { uid: 'anna', email: null };
      },
    },
    () => now,
  );
  for (let n = 0; n < 2; n++) expect(await signIns.verify('good')).toEqual({ uid: 'anna', email: null });
  expect(verified).toBe(1);
  for (let n = 0; n < 2; n++)
    await expect(signIns.verify('bad')).rejects.toMatchObject({ code: 'unauthenticated' });
  expect(verified).toBe(3);
  isOut = true;
  now = SIGN_IN_SECONDS * 1000;
  await expect(signIns.verify('good')).rejects.toMatchObject({ code: 'unauthenticated' });
});
