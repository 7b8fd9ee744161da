import type { ErrorEntry } from './entry.ts';

/** Who may do what: sign-ins, people, keys, tenants, and the form of requests. */
export const ACCESS_CODES = {
  unauthenticated: [
    'The sign-in or API key is missing, expired, revoked or of another installation.',
    'Sign in again, or send a valid key.',
  ],
  forbidden: [
    'The role or key that asks may not do this.',
    'Ask an owner or admin of the tenant, or use a key with the scope.',
  ],
  'not-found': [
    'There is no such thing here, or it was deleted.',
    'Check the id; restore it if it was deleted less than 30 days ago.',
  ],
  'invalid-input': [
    'A part of the request does not fit its contract.',
    'Correct the parts that the answer names.',
  ],
  'method-not-allowed': ['The address exists and takes other methods.', 'Use one that the answer names.'],
  'unsupported-media-type': ['The body is not JSON.', 'Send it as application/json.'],
  'too-large': ['The body is larger than a request may be.', 'Send less; upload files by their own address.'],
  'request-aborted': ['The connection ended before the whole body had come.', 'Send the request again.'],
  'cursor-gone': ['A list was to go on after a record that is no more.', 'Begin the list anew.'],
  conflict: ['Somebody else changed this first.', 'Read it again and repeat the change on the newest.'],
  'in-use': ['Something else needs it.', 'Change or remove what the message names first.'],
  'not-possible': ['It is in a state that this does not apply to.', 'Look at its status first.'],
  'confirmation-missing': [
    'The name that confirms a deletion is not the tenant’s.',
    'Send the tenant’s name as `confirm`.',
  ],
  'idempotency-key-invalid': [
    'The Idempotency-Key has characters that are not allowed, or is too long.',
    'Send a random one, such as a UUID.',
  ],
  'idempotency-unsupported': [
    'The answer holds a secret, which is never kept to be given again.',
    'Send the request without an Idempotency-Key.',
  ],
  'idempotency-mismatch': [
    'The Idempotency-Key was used for another request.',
    'Use a key of its own for each request.',
  ],
  'idempotency-in-flight': ['The same request is being done right now.', 'Wait a moment and ask again.'],
  'rate-limited': [
    'The tenant or person has made all calls of this minute.',
    'Wait as long as Retry-After says.',
  ],
  'too-many-at-once': ['Too many calls of the tenant wait to be worked on.', 'Send fewer at the same time.'],
  'quota-exceeded': [
    'The plan allows no more of this.',
    'Remove what is not needed, or ask the operator for more.',
  ],
  'already-invited': [
    'There is an open invitation for this address.',
    'Send that one again, or revoke it first.',
  ],
  'already-member': ['The person belongs to the tenant already.', 'Change their role instead.'],
  'invitation-unknown': ['The link is of no invitation.', 'Ask whoever invited you for a new link.'],
  'invitation-expired': ['The invitation’s time is over.', 'Ask for it to be sent again.'],
  'invitation-used': ['The invitation was accepted before.', 'Sign in with the account that accepted it.'],
  'invitation-revoked': ['The invitation was taken back.', 'Ask whoever invited you.'],
  'invitation-void': ['Whoever invited may not invite to this role any more.', 'Ask another owner or admin.'],
  'invitation-not-yours': [
    'The invitation is for another e-mail address.',
    'Sign in with the address that was invited.',
  ],
  'email-unverified': [
    'The e-mail address was not confirmed yet.',
    'Follow the link in the confirmation mail.',
  ],
  'last-owner': ['The tenant would have no owner.', 'Make somebody else an owner first.'],
  'role-too-high': ['Nobody gives a role above their own.', 'Ask an owner.'],
  'key-over': ['The key was revoked, rolled, disabled or has expired.', 'Make a new one.'],
  'expiry-past': ['The moment of expiry is over already.', 'Give one that is still to come.'],
  'tenant-suspended': ['The operator has suspended the tenant, or it is deleted.', 'Ask the operator.'],
  'tenant-deleted': ['The tenant is deleted.', 'Restore it first.'],
  'tenant-going': ['The tenant is being removed for good.', 'There is no way back; make a new one.'],
  'tenant-not-empty': ['An import needs a tenant without models.', 'Make a new tenant for it.'],
  'too-many-tenants': [
    'A person owns at most 20 tenants.',
    'Use one of them, delete one, or ask the operator.',
  ],
  'import-active': ['Another import of the tenant is under way.', 'Wait for its end.'],
  'import-invalid': [
    'The file is no export of this version, or is damaged.',
    'Export it again and upload it whole.',
  ],
  'export-not-there': ['The export’s file is not there, or no longer.', 'Export again.'],
} as const satisfies Record<string, ErrorEntry>;
