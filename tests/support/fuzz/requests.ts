import type { Contract } from '#core/api/contract';
import { type Dice, HOSTILE_TEXTS, mutate, schemaOf, valueOf } from './values.ts';

/** A request as it goes over the wire. */
export interface FuzzRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | null;
}

/** What exists: values of the path's parameters by their names, and every id there is. */
export interface Known {
  readonly params: Readonly<Record<string, string>>;
  readonly ids: readonly string[];
  readonly token: string;
}

const HOSTILE_IDS = [
  'unknown1234',
  'A',
  '..',
  '%2e%2e',
  '%00',
  'x'.repeat(300),
  'a%2Fb',
  '__proto__',
  '%F0%9F%9A%9A',
  '%E0%A4%A',
  '-',
  'null',
];
const CONTENT_TYPES = [
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/json; charset=utf-16',
  '',
  'application/xml',
];
const HEADERS: readonly Readonly<Record<string, string>>[] = [
  { 'x-http-method-override': 'DELETE' },
  { 'x-original-url': '/api/operator/tenants' },
  { 'x-forwarded-host': 'evil.example' },
  { 'x-request-id': 'x'.repeat(500) },
  { 'x-request-id': '1\'"<>' },
  { 'idempotency-key': 'k'.repeat(255) },
  { 'idempotency-key': 'k'.repeat(5000) },
  { 'idempotency-key': ' ' },
  { accept: 'text/html' },
  { 'content-encoding': 'gzip' },
  { range: 'bytes=0-1' },
  { cookie: 'a=b' },
  { origin: 'https://evil.example' },
];

/** One request of a contract: valid, nearly so, or nothing of the kind. */
export function fuzzRequest(contract: Contract, known: Known, dice: Dice): FuzzRequest {
  const path = contract.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const real = known.params[name];
    // The tenant stays: who may not enter is another test's matter.
    if (name === 'tenant' && real !== undefined) return real;
    return real !== undefined && dice.chance(0.7) ? real : dice.pick(HOSTILE_IDS);
  });
  const headers: Record<string, string> = { authorization: `Bearer ${known.token}` };
  if (dice.chance(0.2)) Object.assign(headers, dice.pick(HEADERS));
  if (contract.method === 'GET')
    return { method: 'GET', url: `${path}${queryOf(contract, known, dice)}`, headers, body: null };
  headers['content-type'] = dice.chance(0.05) ? dice.pick(CONTENT_TYPES) : 'application/json';
  return { method: contract.method, url: path, headers, body: bodyOf(contract, known, dice) };
}

function queryOf(contract: Contract, known: Known, dice: Dice): string {
  const value = valueOf(schemaOf(contract.query), dice, known.ids);
  const pairs = Object.entries(Object(dice.chance(0.5) ? value : mutate(value, dice))).map(([name, of]) => [
    name,
    String(of).slice(0, 3000),
  ]);
  if (dice.chance(0.1)) pairs.push(...pairs.slice(0, 1));
  if (dice.chance(0.1)) pairs.push(['limit', dice.pick(HOSTILE_TEXTS).slice(0, 100)]);
  if (dice.chance(0.05)) return '?%E0%A4%A&&=&a';
  const text = pairs.map(([name = '', of = '']) => `${encode(name)}=${encode(of)}`).join('&');
  return text === '' ? '' : `?${text.slice(0, 6000)}`;
}

/** As a browser would; a lone surrogate, which has no encoding, becomes its replacement character. */
function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

function bodyOf(contract: Contract, known: Known, dice: Dice): Uint8Array {
  let value = valueOf(schemaOf(contract.body), dice, known.ids);
  for (let times = dice.below(3); times > 0; times--) value = mutate(value, dice);
  const text = JSON.stringify(value) ?? '';
  const bytes = Buffer.from(text);
  switch (dice.below(20)) {
    case 0:
      return bytes.subarray(0, dice.below(bytes.length + 1));
    case 1:
      return Buffer.concat([bytes, Buffer.from([0xff, 0xfe, 0x00])]);
    case 2:
      return Buffer.from(text.replace('{', '{"__proto__":{"admin":true},'));
    case 3:
      return Buffer.from(text.replace(/^\{("[^"]+":)/, '{$1null,$1'));
    case 4:
      return Buffer.from('['.repeat(dice.pick([10, 20_000])));
    default:
      return bytes;
  }
}
