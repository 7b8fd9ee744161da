import type { ErrorEntry } from './entry.ts';

/** What lies with the installation and the services that it stands on. */
export const INSTALLATION_CODES = {
  internal: [
    'Something failed that Tradewind did not expect.',
    'Try again; if it happens again, send the request id to support.',
  ],
  'configuration-invalid': [
    'The environment of a function or container is not as it must be.',
    'Set the variables that the message names.',
  ],
  'record-unreadable': [
    'A record is not as this version expects it.',
    'Deploy the version that wrote it, or migrate the record.',
  ],
  'secret-unreadable': [
    'A sealed secret does not open: it was moved or changed, or its key is gone.',
    'Set it again.',
  ],
  'auth-unavailable': ['The sign-in service did not answer.', 'Try again in a moment.'],
  'identity-unavailable': ['No identity token could be had.', 'It is tried again by itself.'],
  'database-unavailable': ['Firestore did not answer.', 'Try again in a moment.'],
  'storage-unavailable': ['Cloud Storage did not answer.', 'Try again in a moment.'],
  'warehouse-unavailable': ['BigQuery did not answer.', 'Try again in a moment.'],
  'warehouse-refused': [
    'BigQuery does not do what was asked.',
    'Look at the message: rights, quota, or a table that is gone.',
  ],
  'warehouse-job-failed': ['A job of BigQuery ended with an error.', 'Look at the message; run it again.'],
  'container-unavailable': ['Cloud Run did not answer.', 'It is tried again by itself.'],
  'container-refused': [
    'Cloud Run does not do what was asked.',
    'Look at the message: rights, quota or image.',
  ],
  'container-missing': ['The container’s job or service is not there.', 'Deploy the installation again.'],
  'scheduler-unavailable': ['Cloud Scheduler did not answer.', 'It is tried again by itself.'],
  'scheduler-refused': [
    'Cloud Scheduler does not take a schedule.',
    'Look at the message; change its times.',
  ],
  'publish-failed': ['Pub/Sub did not take a message.', 'It is sent again by itself.'],
  'message-held': ['The message is being handled elsewhere.', 'Nothing is to be done.'],
  'handler-lost': [
    'The work on a message was begun again and again, and its process ended each time.',
    'Give the function more memory, and replay the message.',
  ],
  'lease-lost': [
    'A process stood still for so long that another has taken its work over.',
    'Nothing is to be done: the other one goes on with it.',
  ],
  'not-replayable': ['The message cannot be published again.', 'Discard it; start again what it was about.'],
} as const satisfies Record<string, ErrorEntry>;
