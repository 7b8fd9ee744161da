/** Where the tables of a database are. */
import type { SourceSettings } from '#core/source';
import { at } from './source-errors.ts';

/** `host:port/database`: names of hosts have no case, those of databases may. Empty for a source that is no server. */
export function serverPlace(settings: SourceSettings): string {
  if (!('host' in settings)) return '';
  const { host, port, database, tunnel } = settings;
  // One private name means another server behind another bastion.
  const through = tunnel === undefined ? '' : ` through ${tunnel.host.toLowerCase()}:${tunnel.port}`;
  return `${at({ host: host.toLowerCase(), port })}/${database}${through}`;
}
