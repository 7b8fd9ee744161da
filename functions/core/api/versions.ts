import { z } from 'zod';
import { Id } from '../ids.ts';
import { editGuard } from '../resource.ts';
import { Alias, ALIASES, Labels, Version, VersionComparison, VersionStatus } from '../version.ts';
import { contract, listQuery, pageOf } from './contract.ts';
import { dependents, twoIds } from '../resource-contract.ts';

const all = '/api/tenants/{tenant}/models/{model}/versions';
const one = `${all}/{version}` as const;

export const listVersions = contract({
  method: 'GET',
  path: all,
  access: 'read',
  summary: 'What training runs made, newest first.',
  query: listQuery({ status: VersionStatus.optional(), run: Id.optional() }, ['number', 'createdAt']),
  answer: pageOf(Version),
});

export const compareVersions = contract({
  method: 'GET',
  path: `${all}/compare`,
  access: 'read',
  summary: 'Two versions side by side: what each measured, slot by slot, and in what their settings differ.',
  query: twoIds(Id),
  answer: VersionComparison,
});

export const listAliases = contract({
  method: 'GET',
  path: `${all}/aliases`,
  access: 'read',
  summary: 'Which versions are called champion and challenger.',
  answer: z.object({ items: z.array(Alias).max(ALIASES.length) }),
});

export const setAlias = contract({
  method: 'PUT',
  path: `${all}/aliases/{alias}`,
  access: 'deploy',
  summary: 'Give an alias (champion, challenger) to a version; it is taken from whichever had it.',
  body: z.strictObject({ version: Id }),
  answer: Alias,
});

export const removeAlias = contract({
  method: 'DELETE',
  path: `${all}/aliases/{alias}`,
  access: 'deploy',
  summary: 'Take an alias away; no version has it then.',
  answer: z.object({ removed: z.boolean() }),
});

export const getVersion = contract({
  method: 'GET',
  path: one,
  access: 'read',
  summary: 'One version with its metrics.',
  answer: Version,
});

export const updateVersion = contract({
  method: 'PATCH',
  path: one,
  access: 'edit',
  summary: 'Change a version’s description and labels; what was trained and measured stays.',
  body: z.strictObject({
    description: z.string().max(2000).optional(),
    labels: Labels.optional(),
    ...editGuard,
  }),
  answer: Version,
});

export const approveVersion = contract({
  method: 'POST',
  path: `${one}/approve`,
  access: 'deploy',
  summary: 'Approve a candidate that has passed the quality gate.',
  answer: Version,
});

export const archiveVersion = contract({
  method: 'POST',
  path: `${one}/archive`,
  access: 'deploy',
  summary: 'Put a version away: it is deployed no more. Refused while it is deployed or has an alias.',
  answer: Version,
});

export const unarchiveVersion = contract({
  method: 'POST',
  path: `${one}/unarchive`,
  access: 'deploy',
  summary: 'Take a version out of the archive; it is a candidate again.',
  answer: Version,
});

export const listVersionDependents = dependents(`${one}/dependents`, 'What uses a version.');

export const deleteVersion = contract({
  method: 'DELETE',
  path: one,
  access: 'deploy',
  summary:
    'Delete a version; it can be restored for 30 days, then its artifact goes. Refused while it is deployed or has an alias.',
  answer: Version,
});

export const restoreVersion = contract({
  method: 'POST',
  path: `${one}/restore`,
  access: 'deploy',
  summary: 'Undo the deletion of a version.',
  answer: Version,
});
