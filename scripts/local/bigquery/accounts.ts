/**
 * Service accounts of customers, as far as BigQuery has to tell them apart: they sign in with their keys at `/token`, as at
 * Google's own token address, and read the data sets whose `access` names them. Who asks without a token is the installation.
 */
import { createPublicKey, randomBytes, verify } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Catalog } from './catalog.ts';
import { RestError } from './rest-error.ts';

/** `service-accounts.json` in the folder of the local BigQuery: who there is, and the public halves (PEM) of their keys by id. */
const Registered = z.array(z.object({ email: z.string(), keys: z.record(z.string(), z.string()) }));

/** What Google's own token address is called in every assertion. */
const AUDIENCE = 'https://oauth2.googleapis.com/token';
const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const SECONDS = 3600;

const Header = z.object({ alg: z.literal('RS256'), kid: z.string() });
const Claims = z.object({
  iss: z.string(),
  scope: z.string(),
  aud: z.literal(AUDIENCE),
  iat: z.number(),
  exp: z.number(),
});

/** An answer of the token address. */
export interface TokenAnswer {
  readonly status: 200 | 400;
  readonly body: Readonly<Record<string, string | number>>;
}

export class Accounts {
  readonly #file: string;
  readonly #clock: () => Date;
  readonly #tokens = new Map<string, { readonly email: string; readonly until: number }>();

  constructor(dir: string, clock: () => Date) {
    this.#file = join(dir, 'service-accounts.json');
    this.#clock = clock;
  }

  /** Gives a token for a signed assertion (RFC 7523), refused in Google's words. */
  token(form: string): TokenAnswer {
    const fields = new URLSearchParams(form);
    if (fields.get('grant_type') !== GRANT) return { status: 400, body: { error: 'unsupported_grant_type' } };
    const refused = (error_description: string): TokenAnswer => ({
      status: 400,
      body: { error: 'invalid_grant', error_description },
    });
    const [head = '', claims = '', signature = ''] = (fields.get('assertion') ?? '').split('.');
    const header = Header.safeParse(decoded(head));
    const parsed = Claims.safeParse(decoded(claims));
    if (!header.success || !parsed.success) return refused('Invalid JWT: it must be of this service.');
    const { iss, iat, exp } = parsed.data;
    const account = this.#registered().find(({ email }) => email === iss);
    if (account === undefined) return refused('Invalid grant: account not found');
    const key = account.keys[header.data.kid];
    const signed = Buffer.from(`${head}.${claims}`);
    if (
      key === undefined ||
      !verify('RSA-SHA256', signed, createPublicKey(key), Buffer.from(signature, 'base64url'))
    )
      return refused('Invalid JWT Signature.');
    const now = this.#clock().getTime() / 1000;
    if (exp < now || iat > now + 300 || exp - iat > SECONDS)
      return refused(
        'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.',
      );
    const token = `local.${randomBytes(24).toString('base64url')}`;
    this.#tokens.set(token, { email: iss, until: now + SECONDS });
    return { status: 200, body: { access_token: token, expires_in: SECONDS, token_type: 'Bearer' } };
  }

  /** Whose token it is; null for the installation, which has none. */
  caller(authorization: string | undefined): string | null {
    if (authorization === undefined) return null;
    const known = this.#tokens.get(authorization.replace(/^Bearer /, ''));
    if (known !== undefined && known.until > this.#clock().getTime() / 1000) return known.email;
    throw new RestError(
      'authError',
      'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.',
    );
  }

  #registered(): z.infer<typeof Registered> {
    return existsSync(this.#file) ? Registered.parse(JSON.parse(readFileSync(this.#file, 'utf8'))) : [];
  }
}

const Access = z
  .array(z.object({ role: z.string().optional(), userByEmail: z.string().optional() }))
  .catch([]);

/** Whether `email` (null: the installation) may read the data set. */
export function mayRead(catalog: Catalog, email: string | null, dataset: string): boolean {
  if (email === null) return true;
  const found = catalog.datasets().find((one) => one.dataset === dataset);
  return Access.parse(found?.settings['access'] ?? []).some(({ userByEmail }) => userByEmail === email);
}

/** The questions of the REST API that an account may ask of a data set it reads, and what they need. */
const READS: Readonly<Record<string, string>> = {
  'GET datasets/*': 'bigquery.datasets.get',
  'GET datasets/*/tables': 'bigquery.tables.list',
  'GET datasets/*/tables/*': 'bigquery.tables.get',
  'GET datasets/*/tables/*/data': 'bigquery.tables.getData',
};
const JOBS: readonly string[] = [
  'POST jobs',
  'GET jobs/*',
  'POST jobs/*/cancel',
  'POST queries',
  'GET queries/*',
];

/** Refuses an account what it may not, in BigQuery's words. What jobs read is looked at when they are understood. */
export function checkQuestion(
  catalog: Catalog,
  email: string | null,
  question: string,
  dataset: string,
  table: string,
): void {
  if (email === null || JOBS.includes(question)) return;
  const permission = READS[question];
  if (permission !== undefined && mayRead(catalog, email, dataset)) return;
  const what =
    table === ''
      ? `Dataset ${catalog.projectId}:${dataset}`
      : `Table ${catalog.projectId}:${dataset}.${table}`;
  throw new RestError(
    'accessDenied',
    `Access Denied: ${what}: Permission ${permission ?? 'to do this'} denied on ${what.toLowerCase().split(' ')[0]} ${what.split(' ')[1]} (or it may not exist).`,
  );
}

function decoded(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
  } catch {
    return null;
  }
}
