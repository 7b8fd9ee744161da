/** A local BigQuery of one's own, with customers' service accounts, for tests of BigQuery as a source. */
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConnectorContext } from '#connectors/connector';
import { startLocalBigQuery } from '#scripts/local/bigquery/server';
import { bigQueryFor } from '#store/dataset-access';
import { makeTestContext } from './connectors.ts';

export const PROJECT = 'demo-tradewind';

export interface TestBigQuery {
  readonly url: string;
  /** What a connector works with on behalf of the tenant `acme`, whose warehouse is in the EU. */
  readonly context: ConnectorContext;
  /** Makes a service account; the text of its key's file. */
  account(email: string): string;
  dataset(name: string, options?: { readonly readers?: readonly string[]; readonly labels?: Readonly<Record<string, string>>; readonly location?: string }): Promise<void>; // prettier-ignore
  /** Runs a statement as the owner of everything. */
  run(sql: string): Promise<void>;
  /** A call of the REST API, below `/bigquery/v2/projects/<project>/`, as the owner of everything. */
  post(path: string, body: unknown): Promise<unknown>;
  stop(): Promise<void>;
}

export async function startTestBigQuery(): Promise<TestBigQuery> {
  const dir = mkdtempSync(join(tmpdir(), 'tradewind-bigquery-'));
  const server = await startLocalBigQuery({ dir, storageDir: join(dir, 'storage'), projectId: PROJECT });
  const policy = {
    tenant: 'acme',
    kept: [{ projectId: PROJECT, datasetPrefix: 'tw_' }],
    location: 'EU',
  };
  const post = async (path: string, body: unknown): Promise<unknown> => {
    const response = await fetch(`${server.url}/bigquery/v2/projects/${PROJECT}/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const answer: unknown = await response.json();
    if (!response.ok) throw new Error(JSON.stringify(answer));
    return answer;
  };
  return {
    url: server.url,
    context: {
      ...makeTestContext(),
      bigQuery: (keyFile) => bigQueryFor(policy, server.url, keyFile),
    },
    account: (email) => registerAccount(dir, email),
    async dataset(name, { readers = [], labels = {}, location = 'EU' } = {}) {
      await post('datasets', {
        datasetReference: { datasetId: name },
        location,
        labels,
        access: readers.map((userByEmail) => ({ role: 'READER', userByEmail })),
      });
    },
    run: async (sql) => void (await post('queries', { query: sql, useLegacySql: false, timeoutMs: 60_000 })),
    post,
    async stop() {
      await server.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Makes `email` known to the local BigQuery whose files are in `dir`; the text of its key's file. */
export function registerAccount(dir: string, email: string): string {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const file = join(dir, 'service-accounts.json');
  // Written by this function alone.
  const known = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as object[]) : [];
  writeFileSync(file, JSON.stringify([...known, { email, keys: { k1: publicKey } }]));
  return keyFile(email, privateKey);
}

/** The text of a key's file, as the console makes it. */
export function keyFile(email: string, privateKey: string, other: Readonly<Record<string, string>> = {}): string {
  return JSON.stringify({
    type: 'service_account',
    project_id: PROJECT,
    private_key_id: 'k1',
    private_key: privateKey,
    client_email: email,
    client_id: '1',
    auth_uri: 'https://accounts.google.com/o/oauth2/auth',
    token_uri: 'https://oauth2.googleapis.com/token',
    universe_domain: 'googleapis.com',
    ...other,
  });
} // prettier-ignore
