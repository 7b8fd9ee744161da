/** People, API keys and tenants in every standing, for tests of who may do what. */
import { randomBytes } from 'node:crypto';
import { KEY_SCOPES, type KeyScope, ROLES, type Role } from '#core/access';
import { ApiKey } from '#core/api-key';
import { Model } from '#core/model';
import { paths } from '#core/paths';
import { Tenant } from '#core/tenant';
import { hashOfToken, makeKeyToken } from '#store/api-keys';
import { useLocalCloud } from './local-cloud.ts';
import type { TestStore } from './store.ts';

/** A signed-in person. */
export interface Actor {
  readonly uid: string;
  readonly email: string;
  readonly token: string;
}

/** A tenant with a model, a member in each role, and a key of each scope. */
export interface Company {
  readonly tenant: string;
  readonly model: string;
  readonly members: Readonly<Record<Role, Actor>>;
  readonly keys: Readonly<Record<KeyScope, string>>;
}

/** Signs up a person at the Auth emulator. */
export async function makeActor(): Promise<Actor> {
  const { env } = useLocalCloud();
  const email = `p${randomBytes(6).toString('hex')}@test.example`;
  const response = await fetch(
    `http://${env['FIREBASE_AUTH_EMULATOR_HOST']}/identitytoolkit.googleapis.com/v1/accounts:signUp?key=local`,
    {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email, password: 'correct horse', returnSecureToken: true }),
    },
  );
  // The emulator's answer to signUp, which its own test checks.
  const { idToken, localId } = (await response.json()) as { idToken: string; localId: string };
  return { uid: localId, email, token: idToken };
}

/** People in each role, once; a company may share them with another. */
export async function makeMembers(): Promise<Record<Role, Actor>> {
  const actors = await Promise.all(ROLES.map(async (role) => [role, await makeActor()] as const));
  // One entry for each role.
  return Object.fromEntries(actors) as Record<Role, Actor>;
}

/** Writes a company as functions would, with limits that no test reaches. */
export async function makeCompany(
  store: TestStore,
  members: Readonly<Record<Role, Actor>>,
  status: Tenant['status'] = 'active',
): Promise<Company> {
  const { env, projectId, location } = useLocalCloud();
  const id = (prefix: string) => `${prefix}${randomBytes(6).toString('hex')}`;
  const [tenant, model] = [id('t'), id('m')];
  const at = new Date().toISOString();
  const cloud = { projectId, location, bucket: env['TRADEWIND_BUCKET'] ?? '', datasetPrefix: 'tw_' };
  const limits = { read: 1_000_000, write: 1_000_000, trigger: 1_000_000 };
  const set = (path: string, data: object) => ({ kind: 'set' as const, path, data });
  const keys = KEY_SCOPES.map((scope) => ({ scope, id: id('k') })).map((key) => ({
    ...key,
    ...makeKeyToken(key.id, (n) => randomBytes(n)),
  }));
  await store.db.commit([
    set(
      paths.tenant(tenant),
      Tenant.parse({
        id: tenant,
        name: `Company ${tenant}`,
        plan: 'standard',
        status,
        limits,
        cloud,
        createdAt: at,
        updatedAt: at,
        deletedAt: status === 'deleted' ? at : null,
      }),
    ),
    set(
      paths.model(tenant, model),
      Model.parse({
        id: model,
        name: 'Model',
        description: '',
        status: 'draft',
        createdAt: at,
        updatedAt: at,
        deletedAt: null,
        liveDeployment: null,
      }),
    ),
    ...ROLES.map((role) =>
      set(paths.member(tenant, members[role].uid), {
        uid: members[role].uid,
        email: members[role].email,
        role,
        tenant,
        addedAt: at,
      }),
    ),
    ...keys.flatMap(({ scope, id: key, token, prefix }) => [
      set(
        paths.apiKey(tenant, key),
        ApiKey.parse({
          id: key,
          name: scope,
          scopes: [scope],
          model: null,
          createdBy: members.owner.uid,
          createdAt: at,
          expiresAt: null,
          revokedAt: null,
          lastUsedAt: at,
          replacedBy: null,
          prefix,
        }),
      ),
      set(paths.keyHash(hashOfToken(token)), { tenant, key }),
    ]),
  ]);
  const byScope = Object.fromEntries(keys.map(({ scope, token }) => [scope, token]));
  // One key for each scope.
  return { tenant, model, members, keys: byScope as Record<KeyScope, string> };
}
