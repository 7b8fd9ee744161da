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
import { marksDeleted } from './guarantees.ts';
import { FILTER } from './seen.ts';
import type { Plan } from './traits.ts';
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

/** The world's tables as a source of the model, loaded by `way`, in the order of their names. */
export async function makeTables(
  store: Store,
  config: Config,
  place: { readonly tenant: string; readonly model: string },
  tenant: Tenant,
  world: World,
  { way, traits }: Pick<Plan, 'way' | 'traits'>,
): Promise<SourceTable[]> {
  const { settings, credentials, cursor, keyed } = world;
  const source = await addSource(store, config, tenant, place.model, ACTOR, {
    name: 'Shop',
    settings,
    ...(credentials === null ? {} : { credentials }),
  });
  const key = { ...place, source: source.id };
  const found = await discover(store, config, silent, key, ACTOR);
  if (found.length !== (traits.includes('together') ? 2 : 1))
    throw new Error(`${found.length} tables were discovered`);
  const follows = way === 'append' || way === 'merge-cursor' || way === 'merge-sweep';
  const chosen: SourceTable[] = [];
  for (const table of found.sort((a, b) => (a.name < b.name ? -1 : 1)))
    chosen.push(
      await changeTable(store, { ...key, table: table.id }, ACTOR, {
        enabled: true,
        mode: way === 'replace' ? 'replace' : way === 'append' ? 'append' : 'merge',
        ...(follows && cursor !== null ? { cursor } : {}),
        ...(way.startsWith('merge') && !keyed ? { mergeKey: ['id'] } : {}),
        ...(marksDeleted(way) ? { deletes: 'mark' as const, deleteLimit: 1 } : {}),
        ...(way === 'merge-sweep' ? { sweepHours: 0 } : {}),
        ...(traits.includes('filtered') ? { filter: FILTER } : {}),
        ...(traits.includes('nulled') ? { misfits: [{ column: 'price', as: 'null' as const }] } : {}),
        ...(traits.includes('rejected') ? { rejectLimit: 1 } : {}),
      }),
    );
  return chosen;
}
