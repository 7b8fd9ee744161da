import { type FirebaseApp, initializeApp } from 'firebase/app';
import { z } from 'zod';

const HostAndPort = z.union([
  z.string().transform((text) => {
    const [host = '127.0.0.1', port = '0'] = text.replace(/^https?:\/\//, '').split(':');
    return { host, port: Number(port) };
  }),
  z.object({ host: z.string(), port: z.number() }),
]);
const WebConfig = z.object({
  projectId: z.string(),
  apiKey: z.string(),
  authDomain: z.string().optional(),
  emulators: z.object({ auth: HostAndPort, firestore: HostAndPort }).optional(),
});
type WebConfig = z.infer<typeof WebConfig>;

export interface Firebase {
  readonly app: FirebaseApp;
  /** Where the emulators answer; undefined against the real project. */
  readonly emulators: WebConfig['emulators'];
}

let loading: Promise<Firebase> | undefined;

/** The project this page is served from, as Hosting describes it at `/__/firebase/init.json`; asked once. */
export function firebase(): Promise<Firebase> {
  loading ??= load();
  return loading;
}

async function load(): Promise<Firebase> {
  const response = await fetch('/__/firebase/init.json');
  if (!response.ok)
    throw new Error(`The project's configuration could not be read: the server answered ${response.status}.`);
  const { projectId, apiKey, authDomain, emulators } = WebConfig.parse(await response.json());
  const app = initializeApp({ projectId, apiKey, ...(authDomain === undefined ? {} : { authDomain }) });
  return { app, emulators };
}
