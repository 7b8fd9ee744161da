/* The tenant of a story, with the table that it loads, made without any fault. */
import { randomBytes } from 'node:crypto';
import { paths } from '#core/paths';
import type { SourceTable } from '#core/source';
import { Tenant } from '#core/tenant';
import type { Config } from '#runtime/config';
import { mustRead } from '#store/document';
import type { Store } from '#store/store';
import { discover } from '../../../functions/sources/discover.ts';
import { addSource } from '../../../functions/sources/sources.ts';
import { changeTable } from '../../../functions/sources/tables.ts';
import { signUp } from '../../../functions/tenants/tenants.ts';
import type { Way } from './guarantees.ts';
import type { World } from './world.ts';

/** Who does what people do. */
export const ACTOR = 'person';
export const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** A tenant of the story's own. */
export async function makeTenant(store: Store, config: Config): Promise<Tenant> {
  const caller = { uid: `u${randomBytes(6).toString('hex')}`, email: null };
  const { id } = await signUp(store, config, caller, 'Faults');
  return (await mustRead(store, paths.tenant(id), Tenant, 'tenant')).value;
}

/** The world's table as a source of the model, loaded by `way`. */
export async function makeTable(
  store: Store,
  config: Config,
  place: { readonly tenant: string; readonly model: string },
  tenant: Tenant,
  world: World,
  way: Way,
): Promise<SourceTable> {
  const { settings, credentials } = world;
  const source = await addSource(store, config, tenant, place.model, ACTOR, {
    name: 'Shop',
    settings,
    ...(credentials === null ? {} : { credentials }),
  });
  const key = { ...place, source: source.id };
  const [table] = await discover(store, config, silent, key, ACTOR);
  if (table === undefined) throw new Error('no table was discovered');
  const follows = way === 'append' || way === 'merge-cursor';
  return changeTable(store, { ...key, table: table.id }, ACTOR, {
    enabled: true,
    mode: way === 'replace' ? 'replace' : way === 'append' ? 'append' : 'merge',
    ...(follows && world.cursor !== null ? { cursor: world.cursor } : {}),
    ...(way.startsWith('merge') && world.cursor === null ? { mergeKey: ['id'] } : {}),
    ...(way === 'merge-mark' ? { deletes: 'mark' as const, deleteLimit: 1 } : {}),
  });
}
