import {
  type Auth,
  browserLocalPersistence,
  connectAuthEmulator,
  createUserWithEmailAndPassword,
  indexedDBLocalPersistence,
  initializeAuth,
  onAuthStateChanged,
  sendEmailVerification,
  sendPasswordResetEmail,
  signInWithEmailAndPassword,
  signOut,
  type User,
} from 'firebase/auth';
import { firebase } from './firebase.ts';

let opening: Promise<Auth> | undefined;

/** Firebase Auth with e-mail and password only: without the pop-up's code and its foreign frames. */
function auth(): Promise<Auth> {
  opening ??= firebase().then(({ app, emulators }) => {
    const opened = initializeAuth(app, { persistence: [indexedDBLocalPersistence, browserLocalPersistence] });
    if (emulators !== undefined)
      connectAuthEmulator(opened, `http://${emulators.auth.host}:${emulators.auth.port}`, {
        disableWarnings: true,
      });
    return opened;
  });
  return opening;
}

export async function watchUser(tell: (user: User | null) => void): Promise<() => void> {
  return onAuthStateChanged(await auth(), tell);
}

export async function idToken(): Promise<string | null> {
  const opened = await auth();
  await opened.authStateReady();
  return (await opened.currentUser?.getIdToken()) ?? null;
}

export async function signInWith(email: string, password: string): Promise<void> {
  await signInWithEmailAndPassword(await auth(), email, password);
}

export async function createAccount(email: string, password: string): Promise<void> {
  await createUserWithEmailAndPassword(await auth(), email, password);
}

export async function sendReset(email: string): Promise<void> {
  await sendPasswordResetEmail(await auth(), email);
}

/** Has the signed-in person's address confirmed by a mail with a link. */
export async function sendConfirmation(): Promise<void> {
  const { currentUser } = await auth();
  if (currentUser !== null) await sendEmailVerification(currentUser);
}

export async function leave(): Promise<void> {
  await signOut(await auth());
}
