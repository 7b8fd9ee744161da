import type { ServerForm } from './connection-string.ts';

/** What ADO.NET, and with it Azure's portal, calls each field. */
const NAMES: Readonly<Record<string, 'server' | 'database' | 'user' | 'password' | 'encrypt' | 'trust'>> = {
  server: 'server',
  'data source': 'server',
  address: 'server',
  addr: 'server',
  'network address': 'server',
  database: 'database',
  'initial catalog': 'database',
  'user id': 'user',
  user: 'user',
  uid: 'user',
  password: 'password',
  pwd: 'password',
  encrypt: 'encrypt',
  trustservercertificate: 'trust',
  'trust server certificate': 'trust',
};

/** A pair of `name=value`; a value with semicolons stands in quotes, which are doubled inside it. */
const PAIR = /([^=;]+)=\s*(?:"((?:[^"]|"")*)"|'((?:[^']|'')*)'|([^;]*))\s*(?:;|$)/g;

/**
 * The fields in `Server=tcp:host,1433;Database=…;User ID=…;Password=…`; null where `text` names no server that way. Without
 * a port it is `port`.
 */
export function readAdoString(text: string, port: string): ServerForm | null {
  const found: Partial<Record<(typeof NAMES)[string], string>> = {};
  for (const [, name = '', double, single, plain = ''] of text.matchAll(PAIR)) {
    const field = NAMES[name.trim().toLowerCase()];
    if (field !== undefined)
      found[field] = double?.replaceAll('""', '"') ?? single?.replaceAll("''", "'") ?? plain.trim();
  }
  const server = /^(?:tcp:)?([^,\\]+)(?:\\[^,]*)?(?:,\s*(\d+))?$/i.exec(found.server ?? '');
  if (server === null) return null;
  const encrypted = /^(true|yes|mandatory|strict)$/i.test(found.encrypt ?? '');
  const trusted = /^(true|yes)$/i.test(found.trust ?? '');
  return {
    host: server[1]?.trim() ?? '',
    port: server[2] ?? port,
    database: found.database ?? '',
    user: found.user ?? '',
    password: found.password ?? '',
    sslMode: !encrypted ? 'prefer' : trusted ? 'require' : 'verify-full',
  };
}
