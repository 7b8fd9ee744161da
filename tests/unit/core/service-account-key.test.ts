import { readServiceAccountKey } from '#core/service-account-key';
import { Credentials } from '#core/source';

const good = {
  type: 'service_account',
  project_id: 'shop-analytics',
  private_key_id: 'abc123',
  private_key: `-----BEGIN PRIVATE KEY-----\n${'A'.repeat(400)}\n-----END PRIVATE KEY-----\n`,
  client_email: 'reader@shop-analytics.iam.gserviceaccount.com',
  client_id: '1',
  auth_uri: 'https://evil.example/auth',
  token_uri: 'https://oauth2.googleapis.com/token',
  universe_domain: 'googleapis.com',
};
const problemOf = (change: object) => {
  const read = readServiceAccountKey(JSON.stringify({ ...good, ...change }));
  return 'problem' in read ? read.problem : null;
};

test('who signs and with what is taken of a key’s file, and nothing else', () => {
  expect(readServiceAccountKey(JSON.stringify(good))).toEqual({
    key: {
      projectId: good.project_id,
      email: good.client_email,
      keyId: good.private_key_id,
      privateKey: good.private_key,
    },
  });
});

test('files that send elsewhere, or are no key, are refused by what is wrong, never by what is in them', () => {
  expect(problemOf({ token_uri: 'http://169.254.169.254/token' })).toContain('token_uri: must be Google’s');
  expect(problemOf({ token_uri: 'https://oauth2.googleapis.com.evil.example/token' })).toContain('token_uri');
  expect(problemOf({ universe_domain: 'evil.example' })).toBe('universe_domain: must be googleapis.com');
  expect(problemOf({ type: 'authorized_user' })).toBe('type: must be service_account');
  expect(problemOf({ type: 'external_account', credential_source: { url: 'http://evil.example' } })).toContain('type');
  expect(problemOf({ client_email: 'reader@evil.example' })).toContain('client_email');
  expect(problemOf({ project_id: 'a/../b' })).toContain('project_id');
  const secret = `${good.private_key}x`;
  const problem = problemOf({ private_key: secret });
  expect(problem).toBe('private_key: must be the PEM text of a private key');
  for (const text of ['', '[]', 'null', '{', '"x"']) expect(readServiceAccountKey(text)).toHaveProperty('problem');
}); // prettier-ignore

test('credentials say what is wrong with a key, and show nothing of it', () => {
  const text = JSON.stringify({ ...good, token_uri: 'https://evil.example' });
  const parsed = Credentials.safeParse({ key: text });
  expect(parsed.success).toBe(false);
  const said = JSON.stringify(parsed.error?.issues);
  expect(said).toContain('token_uri');
  expect(said).not.toContain('AAAA');
  // Beside a password it is the key for Cloud SQL; beside what else a tunnel has, of nothing.
  expect(Credentials.safeParse({ key: JSON.stringify(good), password: 'x' }).success).toBe(true);
  expect(Credentials.safeParse({ key: JSON.stringify(good), ssh: {} }).success).toBe(false);
  expect(Credentials.safeParse({ password: 'x' }).success).toBe(true);
});
