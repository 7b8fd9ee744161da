import type { Write } from '#cloud/firestore';
import { InputError } from '#runtime/problem';
import { TerminalError } from '#core/errors';
import { paths } from '#core/paths';
import { Alias, ALIASES, AliasName, Version } from '#core/version';
import { read, readAll, revise } from '#store/document';
import { mustBeThere } from '#store/model-access';
import { mustReadLive } from '#store/resource';
import type { ModelKey } from '#store/source-access';
import { commitChange, now, type Store } from '#store/store';
import { resourceOf, type VersionKey } from './versions.ts';

/** The aliases that stand somewhere. */
export function listed(store: Store, { tenant, model }: ModelKey): Promise<Alias[]> {
  return readAll(store, paths.aliases(tenant, model), Alias);
}

/**
 * Gives an alias to a version, taking it from whichever had it: one document says where it stands, so it never stands
 * twice. Guarded by the version as well, so that a version cannot be archived or deleted at the same moment.
 * @throws TerminalError `not-found`, `version-archived`; InputError where there is no such alias
 */
export async function set(store: Store, key: VersionKey, name: string, actor: string): Promise<Alias> {
  const alias = named(name);
  await mustBeThere(store, key.tenant, key.model);
  const { path } = resourceOf(key);
  await mustReadLive(store, resourceOf(key));
  const target = paths.alias(key.tenant, key.model, alias);
  let standing: Alias | null = null;
  await revise(store, path, Version, async (version) => {
    refuseUnfit(version);
    const before = await read(store, target, Alias);
    standing = before?.value ?? null;
    if (standing?.version === version.id) return null;
    const after: Alias = {
      alias,
      version: version.id,
      number: version.number,
      setAt: now(store),
      setBy: actor,
    };
    standing = after;
    const write: Write =
      before === null
        ? { kind: 'create', path: target, data: after }
        : { kind: 'update', path: target, data: after, version: before.version };
    return {
      // A write that changes nothing leaves the document's update time as it was: whoever archives the version at this
      // moment would not notice.
      value: { ...version, namedAt: after.setAt },
      writes: [write],
      audit: {
        tenant: key.tenant,
        actor,
        action: 'alias.set',
        target,
        before: before === null ? null : { version: before.value.version, number: before.value.number },
        after: { version: after.version, number: after.number },
      },
    };
  });
  if (standing === null) throw new Error(`the alias ${alias} was neither found nor set`);
  return standing;
}

function refuseUnfit({ number, status, deletedAt }: Version): void {
  if (status === 'archived' || deletedAt !== null)
    throw new TerminalError(
      'version-archived',
      `Version ${number} is ${deletedAt === null ? 'archived' : 'deleted'}: it can have no alias.`,
      { remedy: 'Choose another version, or bring this one back first.' },
    );
}

/** Takes an alias away from whichever version has it. Repeated, it removes nothing more. */
export async function unset(
  store: Store,
  key: ModelKey,
  name: string,
  actor: string,
): Promise<{ removed: boolean }> {
  const alias = named(name);
  await mustBeThere(store, key.tenant, key.model);
  const target = paths.alias(key.tenant, key.model, alias);
  const standing = await read(store, target, Alias);
  if (standing === null) return { removed: false };
  await commitChange(store, {
    writes: [{ kind: 'delete', path: target, version: standing.version }],
    audit: {
      tenant: key.tenant,
      actor,
      action: 'alias.remove',
      target,
      before: { version: standing.value.version, number: standing.value.number },
      after: null,
    },
  });
  return { removed: true };
}

function named(name: string): AliasName {
  const parsed = AliasName.safeParse(name);
  if (parsed.success) return parsed.data;
  throw new InputError('path', [{ path: 'alias', message: `"${name}" is none of ${ALIASES.join(', ')}` }]);
}
