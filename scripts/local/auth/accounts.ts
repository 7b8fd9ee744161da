import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from '../state-folder.ts';

/** A project's accounts as the emulator holds them: an object of maps, sets and plain values. */
export type AccountState = object;

const FILE = 'accounts.json';
/** What belongs to the running process and not to the accounts. */
const TRANSIENT = new Set([
  'projectId',
  'authCloudFunction',
  '_authCloudFunction',
  'tenantProjectForTenantId',
]);

type Saved = Record<string, { kind: 'map' | 'set' | 'value'; value: unknown }>;

/** Fills `state` with what `writeAccounts` left under `folder`; leaves it as it is where there is nothing. */
export function readAccounts(folder: string, state: AccountState): void {
  const file = join(folder, FILE);
  if (!existsSync(file)) return;
  // Written by writeAccounts, whole or not at all.
  const saved = JSON.parse(readFileSync(file, 'utf8'), revive) as Saved;
  for (const [name, { kind, value }] of Object.entries(saved)) {
    if (kind === 'map') Reflect.set(state, name, new Map(value as [unknown, unknown][]));
    else if (kind === 'set') Reflect.set(state, name, new Set(value as unknown[]));
    else Reflect.set(state, name, value);
  }
}

/** Writes every account, index and pending code of `state` under `folder`, atomically. */
export function writeAccounts(folder: string, state: AccountState): void {
  const saved: Saved = {};
  for (const name of Object.getOwnPropertyNames(state)) {
    if (TRANSIENT.has(name)) continue;
    const value: unknown = Reflect.get(state, name);
    if (value instanceof Map) saved[name] = { kind: 'map', value: [...value.entries()] };
    else if (value instanceof Set) saved[name] = { kind: 'set', value: [...value] };
    else if (typeof value !== 'function') saved[name] = { kind: 'value', value };
  }
  mkdirSync(folder, { recursive: true });
  replaceFile(join(folder, FILE), JSON.stringify(saved, flatten));
}

/** Collections inside collections (the addresses of a provider's users are a set) survive as tagged objects. */
function flatten(_key: string, value: unknown): unknown {
  if (value instanceof Map) return { $map: [...value.entries()] };
  if (value instanceof Set) return { $set: [...value] };
  return value;
}

function revive(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if ('$map' in value) return new Map(value.$map as [unknown, unknown][]);
  if ('$set' in value) return new Set(value.$set as unknown[]);
  return value;
}
