import { randomBytes } from 'node:crypto';
import { deleteApp, initializeApp } from 'firebase-admin/app';
import { getAuth } from 'firebase-admin/auth';
import { useLocalCloud } from '#tests/local-cloud';

const cloud = useLocalCloud();
const app = initializeApp({ projectId: cloud.projectId }, 'auth-test');
const auth = getAuth(app);
const email = `ann-${randomBytes(4).toString('hex')}@example.com`;
afterAll(() => deleteApp(app));

/** A call as the web client makes it. */
async function call(operation: string, body: object): Promise<Record<string, unknown>> {
  const response = await fetch(
    `http://127.0.0.1:${cloud.ports.auth}/identitytoolkit.googleapis.com/v1/accounts:${operation}?key=local`,
    { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) },
  );
  return (await response.json()) as Record<string, unknown>; // the emulator answers with an object
}
const signIn = (password: string) => call('signInWithPassword', { email, password, returnSecureToken: true });

test('a person signs up, signs in, and the server knows the token until it is revoked', async () => {
  const { localId } = await call('signUp', { email, password: 'correct horse', returnSecureToken: true });
  const { idToken, refreshToken } = await signIn('correct horse');
  expect(await auth.verifyIdToken(String(idToken), true)).toMatchObject({ uid: localId, email });
  expect(await signIn('wrong horse')).toMatchObject({ error: { message: 'INVALID_PASSWORD' } });

  const refreshed = await fetch(
    `http://127.0.0.1:${cloud.ports.auth}/securetoken.googleapis.com/v1/token?key=local`,
    {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: String(refreshToken) }),
    },
  );
  expect(await refreshed.json()).toMatchObject({ user_id: localId });

  await auth.updateUser(String(localId), { disabled: true });
  await expect(auth.verifyIdToken(String(idToken), true)).rejects.toMatchObject({
    code: 'auth/user-disabled',
  });
  expect(await signIn('correct horse')).toMatchObject({ error: { message: 'USER_DISABLED' } });
});

test('an administrator finds, changes and deletes accounts', async () => {
  const { uid } = await auth.getUserByEmail(email);
  await auth.updateUser(uid, { disabled: false, displayName: 'Ann', password: 'battery staple' });
  await auth.setCustomUserClaims(uid, { operator: true });
  const { idToken } = await signIn('battery staple');
  expect(await auth.verifyIdToken(String(idToken))).toMatchObject({ operator: true, name: 'Ann' });
  await auth.deleteUser(uid);
  await expect(auth.getUser(uid)).rejects.toMatchObject({ code: 'auth/user-not-found' });
});
