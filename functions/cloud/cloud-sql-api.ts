/** The Cloud SQL Admin API, for instances of customers: as the account of a key, or as the installation's own. */
import { z } from 'zod';
import { GoogleRefusal, openAccount } from './google-account.ts';

const SCOPE = 'https://www.googleapis.com/auth/sqlservice.admin';
const ADDRESS = 'https://sqladmin.googleapis.com';

const Labelled = z.object({
  settings: z
    .object({ userLabels: z.record(z.string(), z.string()).default({}) })
    .default({ userLabels: {} }),
});

/** How an instance is connected to. */
const ConnectSettings = z.object({
  region: z.string(),
  /** `POSTGRES_16`, `MYSQL_8_0`, `SQLSERVER_2022_STANDARD`, … */
  databaseVersion: z.string().default(''),
  ipAddresses: z.array(z.object({ type: z.string(), ipAddress: z.string() })).default([]),
  /** Never empty: without one, Node would trust the public authorities. */
  serverCaCert: z.object({ cert: z.string().min(1) }),
  /** Older instances have no name in their certificate. */
  dnsName: z.string().default(''),
  dnsNames: z
    .array(
      z.object({
        name: z.string().default(''),
        connectionType: z.string().default(''),
        dnsScope: z.string().default(''),
      }),
    )
    .default([]),
  pscEnabled: z.boolean().default(false),
});
export type ConnectSettings = z.infer<typeof ConnectSettings>;

const Certificate = z.object({ ephemeralCert: z.object({ cert: z.string().min(1) }) });

/** The API, as one account. What it refuses is thrown as a `GoogleRefusal`; `source-unreachable` where nothing answers. */
export interface CloudSqlCaller {
  /** The account's address; null for the installation's own. */
  readonly email: string | null;
  /** The instance's own labels, as its owner has set them. */
  labels(project: string, instance: string, signal: AbortSignal): Promise<Readonly<Record<string, string>>>;
  connectSettings(project: string, instance: string, signal: AbortSignal): Promise<ConnectSettings>;
  /** A certificate (PEM) for `publicKey` (PEM, SPKI) that the instance lets in for an hour. */
  certificate(project: string, instance: string, publicKey: string, signal: AbortSignal): Promise<string>;
}

/** The API at `endpoint`, at its public address where undefined. @throws TerminalError `key-invalid` */
export function openCloudSqlApi(endpoint: string | undefined, keyFile: string | null): CloudSqlCaller {
  const { email, call } = openAccount(endpoint, keyFile, SCOPE);
  const at = (project: string, instance: string, what: string): URL => {
    const [inProject, named] = [encodeURIComponent(project), encodeURIComponent(instance)];
    return new URL(`/sql/v1beta4/projects/${inProject}/instances/${named}${what}`, endpoint ?? ADDRESS);
  };
  return {
    email,
    async labels(project, instance, signal) {
      const answer = await call({ method: 'GET', url: at(project, instance, ''), signal });
      return read(Labelled, answer).settings.userLabels;
    },
    async connectSettings(project, instance, signal) {
      const url = at(project, instance, '/connectSettings');
      return read(ConnectSettings, await call({ method: 'GET', url, signal }));
    },
    async certificate(project, instance, publicKey, signal) {
      const url = at(project, instance, ':generateEphemeralCert');
      const body = { public_key: publicKey };
      return read(Certificate, await call({ method: 'POST', url, body, signal })).ephemeralCert.cert;
    },
  };
}

/** What was answered; an instance that is only being made lacks parts of it, which counts as no answer. */
function read<T>(schema: z.ZodType<T>, answer: unknown): T {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  const part = parsed.error.issues[0]?.path.join('.') ?? '';
  throw new GoogleRefusal(503, 'incomplete', `its answer lacks ${part || 'everything'}`);
}
