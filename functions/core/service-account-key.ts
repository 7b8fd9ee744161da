/**
 * The key of a Google service account, as the console gives it: a JSON file. What is in it comes from outside. Only who signs
 * and what with are read of it; addresses in it are never called, and a file that names others than Google's is refused.
 */
import { z } from 'zod';

/** Where Google's own files say that tokens are from. */
const TOKEN_ADDRESSES: readonly string[] = [
  'https://oauth2.googleapis.com/token',
  'https://accounts.google.com/o/oauth2/token',
  'https://www.googleapis.com/oauth2/v4/token',
];

/** A project's id; older ones are of a domain: `example.com:shop`. */
export const PROJECT_ID = /^(?:[a-z0-9][a-z0-9.-]{0,60}:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$/;

const KeyFile = z.object({
  type: z.literal('service_account', { error: 'type: must be service_account' }),
  project_id: z.string().regex(PROJECT_ID, 'project_id: must be the id of a project'),
  private_key_id: z.string().regex(/^[A-Za-z0-9]{1,100}$/, 'private_key_id: must be letters and digits'),
  private_key: z
    .string()
    .regex(
      /^-----BEGIN PRIVATE KEY-----\n[A-Za-z0-9+/=\n]{100,6000}\n-----END PRIVATE KEY-----\n?$/,
      'private_key: must be the PEM text of a private key',
    ),
  client_email: z
    .string()
    .regex(
      /^[a-z0-9.-]{1,100}@[a-z0-9.-]{1,150}\.gserviceaccount\.com$/,
      'client_email: must be the address of a service account',
    ),
  token_uri: z
    .string()
    .refine((uri) => TOKEN_ADDRESSES.includes(uri), {
      error: 'token_uri: must be Google’s, https://oauth2.googleapis.com/token',
    })
    .optional(),
  universe_domain: z
    .literal('googleapis.com', { error: 'universe_domain: must be googleapis.com' })
    .optional(),
});

/** What signing in needs of a key file. */
export interface ServiceAccountKey {
  /** The account's own project: its jobs run there. */
  readonly projectId: string;
  readonly email: string;
  readonly keyId: string;
  /** PEM, PKCS #8. */
  readonly privateKey: string;
}

/** The key in the text of its file, or what is wrong with it: never a part of the key itself. */
export function readServiceAccountKey(
  text: string,
): { readonly key: ServiceAccountKey } | { readonly problem: string } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { problem: 'must be the JSON file that Google Cloud made for the key, as it is' };
  }
  const parsed = KeyFile.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue?.path.join('.') ?? '';
    const said = issue?.message ?? 'is not one';
    return { problem: said.startsWith(where) && where !== '' ? said : `${where || 'it'}: ${said}` };
  }
  const { project_id: projectId, client_email: email } = parsed.data;
  return {
    key: { projectId, email, keyId: parsed.data.private_key_id, privateKey: parsed.data.private_key },
  };
}

/** The text of a key file, checked. */
export const ServiceAccountKeyText = z
  .string()
  .max(10_000)
  .superRefine((text, context) => {
    const read = readServiceAccountKey(text);
    if ('problem' in read) context.addIssue({ code: 'custom', message: read.problem });
  });
