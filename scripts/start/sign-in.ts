import { z } from 'zod';
import { TransientError } from '#core/errors';

/** The person the demo signs in as. */
export const DEMO_USER = { email: 'demo@tradewind.example', password: 'fair-winds' } as const;

const WebConfig = z.object({ apiKey: z.string(), emulators: z.object({ auth: z.string() }) });
const Answer = z.object({ idToken: z.string(), expiresIn: z.coerce.number() });
const Refusal = z.object({ error: z.object({ message: z.string() }) });

/**
 * Signs `user` in at the installation behind `web`, as a web page would: the project's settings from Hosting, then
 * Firebase Auth's REST API; the account is made on first sight.
 *
 * @param now milliseconds since 1970
 * @returns a function that gives a valid ID token, signing in anew when the former is about to expire
 */
export async function signIn(
  web: string,
  user: { readonly email: string; readonly password: string },
  now: () => number,
): Promise<() => Promise<string>> {
  const config = WebConfig.parse(await (await fetch(`${web}/__/firebase/init.json`)).json());
  const base = `http://${config.emulators.auth}/identitytoolkit.googleapis.com/v1/accounts`;
  const post = async (action: string): Promise<Response> =>
    fetch(`${base}:${action}?key=${encodeURIComponent(config.apiKey)}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...user, returnSecureToken: true }),
    });
  const enter = async (): Promise<{ token: string; until: number }> => {
    const created = await post('signUp');
    const response = created.ok ? created : await post('signInWithPassword');
    const body: unknown = await response.json();
    if (!response.ok) {
      const said = Refusal.safeParse(body);
      throw new TransientError(
        'sign-in',
        `Signing in ${user.email} was refused: ${said.data?.error.message ?? response.status}.`,
        {
          remedy: 'Start with --reset if the state folder holds this account with another password.',
        },
      );
    }
    const answer = Answer.parse(body);
    return { token: answer.idToken, until: now() + (answer.expiresIn - 300) * 1000 };
  };
  let session = await enter();
  return async () => {
    if (now() >= session.until) session = await enter();
    return session.token;
  };
}
