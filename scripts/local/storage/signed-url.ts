/**
 * V4 signed URLs, checked for real. Production code calls `file.getSignedUrl({version: 'v4', …})` unchanged; what it needs is
 * a key to sign with, which in the cloud is the service account's and here is one generated once into the state folder.
 * Point GOOGLE_APPLICATION_CREDENTIALS at that file in the processes that sign; it opens nothing but this local storage.
 */
import { createHash, createPublicKey, createVerify, generateKeyPairSync } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { existsSync, readFileSync, renameSync, writeFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { StorageError } from './storage-error.ts';

/** The account that signs locally, and the public half of its key in PEM. */
export interface Signer {
  /** A service-account key file for GOOGLE_APPLICATION_CREDENTIALS. */
  readonly credentialsFile: string;
  readonly clientEmail: string;
  readonly publicKey: string;
}

/** The signer of a state folder; its key is generated on first use and kept, so that URLs survive a restart. */
export function openSigner(dir: string, projectId: string): Signer {
  const file = join(dir, '.service-account.json');
  if (!existsSync(file)) {
    mkdirSync(dir, { recursive: true });
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const key = {
      type: 'service_account',
      project_id: projectId,
      private_key_id: 'local',
      private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
      client_email: `local-storage@${projectId}.iam.gserviceaccount.com`,
      client_id: '0',
      token_uri: 'http://127.0.0.1:9/no-token-is-needed-locally',
    };
    writeFileSync(`${file}.draft`, JSON.stringify(key, null, 2), { mode: 0o600 });
    renameSync(`${file}.draft`, file);
  }
  // This program wrote the file.
  const key = JSON.parse(readFileSync(file, 'utf8')) as { client_email: string; private_key: string };
  const publicKey = createPublicKey(key.private_key).export({ type: 'spki', format: 'pem' }).toString();
  return { credentialsFile: file, clientEmail: key.client_email, publicKey };
}

const encode = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

/**
 * Refuses (403, 400) unless `url` was signed by `signer` for this method and headers and has not expired at `now`.
 * Source: https://cloud.google.com/storage/docs/authentication/canonical-requests
 */
export function checkSignedUrl(
  signer: Signer,
  request: {
    readonly method: string;
    readonly rawPath: string;
    readonly query: URLSearchParams;
    readonly headers: IncomingHttpHeaders;
  },
  now: Date,
): void {
  const { query } = request;
  const need = (name: string): string => {
    const value = query.get(name);
    if (value === null)
      throw new StorageError(
        403,
        'forbidden',
        `Anonymous caller does not have access: the URL has no ${name}; use a signed URL`,
      );
    return value;
  };
  const stamp = need('X-Goog-Date');
  const scope = need('X-Goog-Credential').split('/').slice(1).join('/');
  const signedHeaders = need('X-Goog-SignedHeaders');
  const start = Date.parse(stamp.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  const expires = start + Number(need('X-Goog-Expires')) * 1000;
  if (!(now.getTime() <= expires))
    throw new StorageError(
      400,
      'ExpiredToken',
      `The signed URL expired at ${stamp} + ${query.get('X-Goog-Expires')} s`,
    );
  const canonicalQuery = [...query]
    .filter(([name]) => name !== 'X-Goog-Signature')
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort((a, b) => (a[0] < b[0] ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
  const canonicalHeaders = signedHeaders
    .split(';')
    // The client signs the host without its port.
    .map(
      (name) =>
        `${name}:${name === 'host' ? String(request.headers.host).replace(/:\d+$/, '') : headerText(request.headers[name])}\n`,
    )
    .join('');
  const payload = headerText(request.headers['x-goog-content-sha256']) || 'UNSIGNED-PAYLOAD';
  const canonical = [
    request.method,
    request.rawPath,
    canonicalQuery,
    canonicalHeaders,
    signedHeaders,
    payload,
  ].join('\n');
  const hash = createHash('sha256').update(canonical).digest('hex');
  const verified = createVerify('RSA-SHA256')
    .update(['GOOG4-RSA-SHA256', stamp, scope, hash].join('\n'))
    .verify(signer.publicKey, need('X-Goog-Signature'), 'hex');
  if (!verified)
    throw new StorageError(
      403,
      'SignatureDoesNotMatch',
      `The signature does not match ${request.method} ${request.rawPath} with headers "${signedHeaders}"; sign exactly what is sent`,
    );
}

function headerText(value: string | string[] | undefined): string {
  return (Array.isArray(value) ? value.join(',') : (value ?? '')).trim().replace(/\s{2,}/g, ' ');
}
