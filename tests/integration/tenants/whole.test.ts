import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { listAudit, verifyAudit } from '#core/api/audit';
import { makeClient } from '#core/api/client';
import { createKey, listKeys, revokeKey, rollKey } from '#core/api/keys';
import {
  acceptInvitation,
  createInvitation,
  leaveTenant,
  listInvitations,
  listMembers,
  updateMember,
} from '#core/api/members';
import { createModel, listModels } from '#core/api/models';
import {
  changePlan,
  getAnyTenant,
  listAllTenants,
  reactivateTenant,
  suspendTenant,
} from '#core/api/operator';
import * as tenants from '#core/api/tenants';
import { refusalOf, signUpPerson } from '#tests/account';
import { eventually } from '#tests/eventually';
import { useLocalCloud } from '#tests/local-cloud';
import { makeTicker } from '#tests/pipeline-account';

const { env, urls, projectId } = useLocalCloud();

/** The person's address, confirmed as a link in a mail would. */
async function confirmedAddress(uid: string): Promise<string> {
  const ask = async (verb: string, body: object) => {
    const response = await fetch(
      `http://${env['FIREBASE_AUTH_EMULATOR_HOST']}/identitytoolkit.googleapis.com/v1/projects/${projectId}/accounts:${verb}`,
      {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: 'Bearer owner' },
        body: JSON.stringify(body),
      },
    );
    // The emulator's answer, of which one field is read.
    return (await response.json()) as { users?: { email?: string }[] };
  };
  await ask('update', { localId: uid, emailVerified: true });
  return (await ask('lookup', { localId: [uid] })).users?.[0]?.email ?? '';
}

const withKey = (token: string) => makeClient({ baseUrl: urls.web, token: async () => token, fetch });

test('people: invited, let in once their address is confirmed, given another role, gone', async () => {
  const [anna, ben] = [await signUpPerson(), await signUpPerson()];
  const tenant = (await anna.call(tenants.createTenant, { body: { name: 'Anna’s' } })).id;
  const params = { tenant };
  const renamed = await anna.call(tenants.updateTenant, {
    params,
    body: { name: 'Anna & Ben', contact: 'Anna@Example.com' },
  });
  expect(renamed).toMatchObject({ name: 'Anna & Ben', contact: 'anna@example.com', role: 'owner' });

  const unconfirmed = (await signUpPerson()).uid;
  const email = await confirmedAddress(ben.uid);
  expect(unconfirmed).not.toBe(ben.uid);
  const { token } = await anna.call(createInvitation, {
    params,
    body: { email: email.toUpperCase(), role: 'viewer' },
  });
  expect(await refusalOf(ben.call(listModels, { params, query: {} }))).toMatchObject({ status: 404 });
  const accepted = await ben.call(acceptInvitation, { body: { token } });
  expect(accepted).toMatchObject({ id: tenant, role: 'viewer', name: 'Anna & Ben' });
  expect((await ben.call(listModels, { params, query: {} })).items).toEqual([]);
  expect(
    await refusalOf(ben.call(createInvitation, { params, body: { email: 'x@y.example', role: 'viewer' } })),
  ).toMatchObject({ status: 403, code: 'forbidden' });
  const { items: invitations } = await anna.call(listInvitations, { params, query: { status: 'accepted' } });
  expect(invitations).toMatchObject([{ email, status: 'accepted', acceptedBy: ben.uid }]);
  expect(JSON.stringify(invitations)).not.toContain('tokenHash');

  const { items } = await anna.call(listMembers, { params, query: { role: 'viewer' } });
  await anna.call(updateMember, { params: { tenant, member: items[0]?.id ?? '' }, body: { role: 'editor' } });
  await ben.call(createModel, { params, body: { name: 'Ben’s' } });
  await ben.call(leaveTenant, { params });
  expect(await refusalOf(ben.call(listModels, { params, query: {} }))).toMatchObject({ status: 404 });
  expect(await refusalOf(anna.call(leaveTenant, { params }))).toMatchObject({
    status: 409,
    code: 'last-owner',
  });
});

test('keys: a machine does what its key is for; rolled and revoked it is refused; the audit tells and holds', async () => {
  const anna = await signUpPerson();
  const tenant = (await anna.call(tenants.createTenant, { body: { name: 'Keys' } })).id;
  const params = { tenant };
  const { key, token } = await anna.call(createKey, { params, body: { name: 'Shop', scopes: ['read'] } });
  const machine = withKey(token);
  expect((await machine(listModels, { params, query: {} })).items).toEqual([]);
  const denied = machine(createModel, { params, body: { name: 'x' } });
  expect(await refusalOf(denied)).toMatchObject({ status: 403 });
  expect(await refusalOf(machine(listKeys, { params, query: {} }))).toMatchObject({ status: 403 });

  const rolled = await anna.call(rollKey, { params: { tenant, key: key.id }, body: { overlapDays: 0 } });
  expect(await refusalOf(machine(listModels, { params, query: {} }))).toMatchObject({ status: 401 });
  expect((await withKey(rolled.token)(listModels, { params, query: {} })).items).toEqual([]);
  await anna.call(revokeKey, { params: { tenant, key: rolled.key.id } });
  expect(await refusalOf(withKey(rolled.token)(listModels, { params, query: {} }))).toMatchObject({
    status: 401,
  });
  const { items: keys } = await anna.call(listKeys, { params, query: {} });
  expect(keys.map(({ status }) => status)).toEqual(['revoked', 'expired']);

  const { items } = await anna.call(listAudit, { params, query: { outcome: 'done' } });
  expect(items.map(({ action }) => action)).toEqual([
    'key.revoke',
    'key.roll',
    'key.create',
    'tenant.create',
  ]);
  const { items: denials } = await anna.call(listAudit, { params, query: { outcome: 'denied' } });
  expect(denials.every(({ actor }) => actor === `key:${key.id}`)).toBe(true);
  expect(denials.length).toBeGreaterThan(0);
  const tick = makeTicker();
  const verified = await eventually('the audit to be sealed', async () => {
    await tick();
    const found = await anna.call(verifyAudit, { params, query: {} });
    // A block that was sealed while it was looked through is for the next look.
    return found.next === null && found.unsealed === 0 ? found : null;
  });
  expect(verified).toMatchObject({ intact: true, problem: null });
});

test('an operator, named by the script, sees tenants and shuts one out; nobody else does', async () => {
  const [anna, eve] = [await signUpPerson(), await signUpPerson()];
  const name = `Wholesale ${Date.now()}`;
  const tenant = (await anna.call(tenants.createTenant, { body: { name } })).id;
  const params = { tenant };
  expect(await refusalOf(eve.call(listAllTenants, { query: {} }))).toMatchObject({ status: 403 });

  const email = await confirmedAddress(eve.uid);
  const script = async (...words: string[]) =>
    (
      await promisify(execFile)(process.execPath, ['scripts/operator.ts', ...words], {
        env: { ...process.env, NODE_OPTIONS: '' },
      })
    ).stdout;
  expect(await script('add', email)).toBe(`${email} is an operator now.\n`);
  expect(await script('list')).toContain(email);

  const { items } = await eve.call(listAllTenants, { query: { search: name.toUpperCase() } });
  expect(items).toMatchObject([{ id: tenant, members: 1, models: 0, plan: 'trial' }]);
  expect(
    await eve.call(changePlan, { params, body: { plan: 'standard', limits: { models: 3 } } }),
  ).toMatchObject({
    plan: 'standard',
    limits: { models: 3 },
  });
  await eve.call(suspendTenant, { params, body: { reason: 'unpaid' } });
  expect(await refusalOf(anna.call(listModels, { params, query: {} }))).toMatchObject({
    status: 403,
    code: 'tenant-suspended',
  });
  await eve.call(reactivateTenant, { params });
  await anna.call(listModels, { params, query: {} });
  expect(await eve.call(getAnyTenant, { params })).toMatchObject({ status: 'active', suspendedFor: null });
  const { items: audit } = await anna.call(listAudit, { params, query: { actor: eve.uid } });
  expect(audit.map(({ action }) => action)).toEqual(['tenant.reactivate', 'tenant.suspend', 'tenant.plan']);

  expect(await script('remove', email)).toContain('no operator any more');
  expect(await refusalOf(eve.call(listAllTenants, { query: {} }))).toMatchObject({ status: 403 });
});

test('a tenant is exported, deleted, restored, and the file read into another', async () => {
  const anna = await signUpPerson();
  const tenant = (await anna.call(tenants.createTenant, { body: { name: 'Mine' } })).id;
  const params = { tenant };
  await anna.call(createModel, { params, body: { name: 'Bolts' } });
  const { id } = await anna.call(tenants.createExport, { params });
  await eventually('the export', async () => {
    const found = await anna.call(tenants.getExport, { params: { tenant, export: id } });
    return found.status === 'queued' ? null : found;
  });
  const { address } = await anna.call(tenants.addressExport, { params: { tenant, export: id } });
  const file = Buffer.from(await (await fetch(address)).arrayBuffer());
  expect(gunzipSync(file).toString()).toContain('"Bolts"');

  const wrong = anna.call(tenants.deleteTenant, { params, body: { confirm: 'Yours' } });
  expect(await refusalOf(wrong)).toMatchObject({ code: 'confirmation-missing' });
  await anna.call(tenants.deleteTenant, { params, body: { confirm: 'Mine' } });
  expect(await refusalOf(anna.call(tenants.getTenant, { params }))).toMatchObject({ status: 404 });
  expect((await anna.call(tenants.listTenants, {})).items).toEqual([]);
  expect((await anna.call(tenants.listTenants, { query: { deleted: 'only' } })).items).toMatchObject([
    { id: tenant, status: 'deleted' },
  ]);
  const stranger = await signUpPerson();
  const theirs = await refusalOf(stranger.call(tenants.restoreTenant, { params }));
  expect(theirs).toMatchObject({ status: 404, code: 'not-found' });
  expect(await anna.call(tenants.restoreTenant, { params })).toMatchObject({ status: 'active' });

  const second = (await anna.call(tenants.createTenant, { body: { name: 'Second' } })).id;
  const begun = await anna.call(tenants.createImport, {
    params: { tenant: second },
    body: { bytes: file.byteLength },
  });
  await fetch(begun.address, {
    method: 'PUT',
    body: file,
    headers: { 'content-type': 'application/gzip' },
  });
  const at = { tenant: second, import: begun.import.id };
  await anna.call(tenants.startImport, { params: at });
  const done = await eventually('the import', async () => {
    const found = await anna.call(tenants.getImport, { params: at });
    return found.status === 'queued' ? null : found;
  });
  expect(done).toMatchObject({ status: 'done', failure: null });
  const { items } = await anna.call(listModels, { params: { tenant: second }, query: {} });
  expect(items).toMatchObject([{ name: 'Bolts', status: 'draft' }]);
});

test('deleted at once, a tenant is gone from every list within moments', async () => {
  const anna = await signUpPerson();
  const tenant = (await anna.call(tenants.createTenant, { body: { name: 'Gone' } })).id;
  const params = { tenant };
  await anna.call(createModel, { params, body: { name: 'Bolts' } });
  await anna.call(tenants.deleteTenant, { params, body: { confirm: 'Gone', now: true } });
  await eventually('the tenant to be gone', async () => {
    const { items } = await anna.call(tenants.listTenants, { query: { deleted: 'only' } });
    return items.length === 0 ? true : null;
  });
  const late = await refusalOf(anna.call(tenants.restoreTenant, { params }));
  expect(['not-found', 'tenant-going']).toContain(late.code);
});
