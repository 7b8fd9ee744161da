import type { z } from 'zod';
import type { Write } from '#cloud/firestore';
import { may, type Role } from '#core/access';
import { ApiKey, keyState } from '#core/api-key';
import type { ApiKeyView, createKey as createContract } from '#core/api/keys';
import { TerminalError } from '#core/errors';
import { toMoment } from '#core/ids';
import { checkQuota } from '#core/limits';
import { paths } from '#core/paths';
import type { Tenant } from '#core/tenant';
import { hashOfToken, makeKeyToken } from '#store/api-keys';
import { mustRead, revise } from '#store/document';
import { mustBeThere } from '#store/model-access';
import { commitChange, makeId, now, type Store } from '#store/store';

const DAY = 86_400_000;

/** A key with what is shown of it once. */
export interface KeyWithToken {
  readonly key: ApiKeyView;
  readonly token: string;
}

/** The key as it is at `at` (a Moment). */
export function viewKey(key: ApiKey, at: string): ApiKeyView {
  return { ...key, status: keyState(key, at) };
}

/**
 * Makes a key, which can do nothing that its maker cannot.
 * @throws TerminalError `forbidden`, `not-found` (the model), `expiry-past`, `quota-exceeded`
 */
export async function createKey(
  store: Store,
  tenant: Tenant,
  by: { readonly actor: string; readonly role: Role },
  wanted: z.output<typeof createContract.body>,
): Promise<KeyWithToken> {
  const at = now(store);
  const above = wanted.scopes.find((scope) => !may(by.role, scope));
  if (above !== undefined)
    throw new TerminalError('forbidden', `Your role (${by.role}) cannot give a key the scope ${above}.`, {
      remedy: 'Leave it out, or ask an owner of the tenant.',
    });
  if (wanted.expiresAt !== null && wanted.expiresAt <= at)
    throw new TerminalError('expiry-past', `The key would have expired at ${wanted.expiresAt} already.`, {
      remedy: 'Give a moment that is still to come, or none.',
    });
  if (wanted.model !== null) await mustBeThere(store, tenant.id, wanted.model);
  await checkRoom(store, tenant, at);
  const made = make(store, {
    name: wanted.name,
    scopes: [...new Set(wanted.scopes)],
    model: wanted.model,
    expiresAt: wanted.expiresAt,
    createdBy: by.actor,
  });
  await commitChange(store, {
    writes: writesOf(tenant.id, made),
    audit: {
      tenant: tenant.id,
      actor: by.actor,
      action: 'key.create',
      target: paths.apiKey(tenant.id, made.key.id),
      after: made.key,
    },
  });
  return { key: viewKey(made.key, at), token: made.token };
}

/**
 * Renames a key, disables it, or enables it again, as far as each is given.
 * @throws TerminalError `not-found`; `key-over` where one that was revoked or has expired is to be disabled or enabled
 */
export async function updateKey(
  store: Store,
  tenant: string,
  actor: string,
  id: string,
  wanted: { readonly name?: string | undefined; readonly disabled?: boolean | undefined },
): Promise<ApiKeyView> {
  const path = paths.apiKey(tenant, id);
  await mustBeKey(store, tenant, id);
  const changed = await revise(store, path, ApiKey, (key) => {
    const name = wanted.name ?? key.name;
    const wasDisabled = key.disabledAt !== null;
    const disabled = wanted.disabled ?? wasDisabled;
    if (name === key.name && disabled === wasDisabled) return null;
    const state = keyState(key, now(store));
    if (disabled !== wasDisabled && (state === 'revoked' || state === 'expired'))
      throw new TerminalError('key-over', `The key "${key.name}" is ${state} for good.`, {
        remedy: 'Make a new one.',
      });
    const disabledAt = disabled ? (key.disabledAt ?? now(store)) : null;
    return {
      value: { ...key, name, disabledAt },
      audit: { tenant, actor, action: 'key.update', target: path },
    };
  });
  return viewKey(changed ?? (await mustBeKey(store, tenant, id)), now(store));
}

/**
 * Makes a key with the rights of `id`, which itself works on for `overlapDays` (0: no longer), never beyond its expiry.
 * The new key has no expiry of its own where the old one had none, and the old one's time otherwise.
 * @throws TerminalError `not-found`, `key-over`, `quota-exceeded`
 */
export async function rollKey(
  store: Store,
  tenant: Tenant,
  actor: string,
  id: string,
  overlapDays: number,
): Promise<KeyWithToken & { readonly replaced: ApiKeyView }> {
  const path = paths.apiKey(tenant.id, id);
  const at = now(store);
  const until = toMoment(store.clock() + overlapDays * DAY);
  const old = await mustBeKey(store, tenant.id, id);
  if (overlapDays > 0) await checkRoom(store, tenant, at);
  const made = make(store, {
    name: old.name,
    scopes: old.scopes,
    model: old.model,
    expiresAt: old.expiresAt,
    createdBy: actor,
  });
  const replaced = await revise(store, path, ApiKey, (key) => {
    if (keyState(key, at) !== 'active' || key.replacedBy !== null)
      throw new TerminalError(
        'key-over',
        `The key "${key.name}" was revoked, disabled or rolled, or has expired.`,
        {
          remedy: 'Enable it first, roll the key that took its place, or make a new one.',
        },
      );
    const expiresAt = key.expiresAt !== null && key.expiresAt < until ? key.expiresAt : until;
    return {
      value: { ...key, expiresAt, replacedBy: made.key.id },
      writes: writesOf(tenant.id, made),
      audit: { tenant: tenant.id, actor, action: 'key.roll', target: path },
    };
  });
  if (replaced === null) throw new Error('a key was not rolled');
  return { key: viewKey(made.key, at), token: made.token, replaced: viewKey(replaced, now(store)) };
}

/** Revokes a key, for good. Repeated, it changes nothing. @throws TerminalError `not-found` */
export async function revokeKey(
  store: Store,
  tenant: string,
  actor: string,
  id: string,
): Promise<ApiKeyView> {
  const path = paths.apiKey(tenant, id);
  await mustBeKey(store, tenant, id);
  const revoked = await revise(store, path, ApiKey, (key) =>
    key.revokedAt !== null
      ? null
      : {
          value: { ...key, revokedAt: now(store) },
          audit: { tenant, actor, action: 'key.revoke', target: path },
        },
  );
  return viewKey(revoked ?? (await mustBeKey(store, tenant, id)), now(store));
}

/** The key of this id. @throws TerminalError `not-found` */
export async function mustBeKey(store: Store, tenant: string, id: string): Promise<ApiKey> {
  return (await mustRead(store, paths.apiKey(tenant, id), ApiKey, 'key')).value;
}

async function checkRoom(store: Store, tenant: Tenant, at: string): Promise<void> {
  const standing = await store.db.list(paths.apiKeys(tenant.id), {
    where: [['revokedAt', '==', null]],
    limit: 1000,
  });
  // One that is disabled can be enabled at any time: it counts.
  const left = standing.filter(({ data }) => keyState(ApiKey.parse(data), at) !== 'expired');
  checkQuota(tenant, 'keys', left.length);
}

interface Made {
  readonly key: ApiKey;
  readonly token: string;
}

function make(
  store: Store,
  given: Pick<ApiKey, 'name' | 'scopes' | 'model' | 'expiresAt' | 'createdBy'>,
): Made {
  const id = makeId(store, 'k');
  const { token, prefix } = makeKeyToken(id, store.random);
  const key: ApiKey = {
    id,
    ...given,
    createdAt: now(store),
    revokedAt: null,
    disabledAt: null,
    lastUsedAt: null,
    replacedBy: null,
    prefix,
  };
  return { key, token };
}

/** The key, and the way from its token to it: both or neither. */
function writesOf(tenant: string, { key, token }: Made): Write[] {
  return [
    { kind: 'create', path: paths.apiKey(tenant, key.id), data: key },
    { kind: 'create', path: paths.keyHash(hashOfToken(token)), data: { tenant, key: key.id } },
  ];
}
