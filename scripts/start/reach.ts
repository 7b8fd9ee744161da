import type { Outcome } from '#scripts/start/report';
import { DEMO_USER } from '#scripts/start/sign-in';

/** The addresses of a running local cloud: where its pieces answer, as its own processes are told. */
interface Addresses {
  readonly web: string;
  readonly env: Readonly<Record<string, string>>;
}

/** What of the environment leads Google's clients to this machine. */
const CLIENT_VARIABLES = [
  'GOOGLE_CLOUD_PROJECT',
  'FIRESTORE_EMULATOR_HOST',
  'FIREBASE_AUTH_EMULATOR_HOST',
  'METADATA_SERVER_DETECTION',
];

/** How to go on from here: the pages, the API with a token, the recommender, and acting as the operator. */
export function howToReach({ web, env }: Addresses, { at, deployment }: Outcome, state: string): string {
  const auth = env['FIREBASE_AUTH_EMULATOR_HOST'] ?? '';
  const sign = JSON.stringify({ ...DEMO_USER, returnSecureToken: true });
  const variables = CLIENT_VARIABLES.flatMap((name) =>
    env[name] === undefined ? [] : [`${name}=${env[name]}`],
  );
  const model = `${web}/api/tenants/${at.tenant}/models/${at.model}`;
  return [
    `Web application   ${web}`,
    `Sign in           ${DEMO_USER.email} / ${DEMO_USER.password}`,
    ...(deployment === null ? [] : [`Recommender       ENDPOINT=${deployment.url}`]),
    `API               MODEL=${model}`,
    'ID token          (lasts an hour)',
    `  ID_TOKEN=$(curl -s 'http://${auth}/identitytoolkit.googleapis.com/v1/accounts:signInWithPassword?key=local' \\`,
    `    -H 'content-type: application/json' -d '${sign}' | sed -n 's/.*"idToken":"\\([^"]*\\).*/\\1/p')`,
    `Mails not sent    http://${auth}/emulator/v1/projects/${env['GOOGLE_CLOUD_PROJECT'] ?? ''}/oobCodes (confirmation links)`,
    'Become operator   by the command',
    `  ${variables.join(' ')} node_modules/.bin/node scripts/operator.ts add ${DEMO_USER.email}`,
    '',
    `How to ask: README.md. Ctrl-C ends everything; the state stays in ${state}.`,
  ].join('\n');
}
