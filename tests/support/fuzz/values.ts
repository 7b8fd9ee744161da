import { z } from 'zod';

/** Numbers from a seed: the same seed, the same cases. Mulberry32. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Chooses by chance. */
export interface Dice {
  readonly next: () => number;
  pick<T>(of: readonly T[]): T;
  chance(share: number): boolean;
  below(n: number): number;
}

/** Dice of a seed. */
export function makeDice(seed: number): Dice {
  const next = seededRandom(seed);
  const below = (n: number) => Math.floor(next() * n);
  return {
    next,
    below,
    chance: (share) => next() < share,
    pick<T>(of: readonly T[]): T {
      if (of.length === 0) throw new RangeError('nothing to pick from');
      // The index lies within.
      return of[below(of.length)] as T;
    },
  };
}

/** Values that have broken programs before. */
export const HOSTILE_TEXTS: readonly string[] = [
  '',
  ' ',
  '\u0000',
  '\r\nSet-Cookie: x=1',
  '../../etc/passwd',
  '%2e%2e%2f',
  '__proto__',
  'constructor',
  "'; DROP TABLE lines; --",
  '`; DROP TABLE x; --',
  '${7*7}{{7*7}}',
  '<script>alert(1)</script>',
  '\ud800',
  '🚚'.repeat(50),
  'a\u0301'.repeat(100),
  '\u202eevil',
  '=HYPERLINK("http://x")',
  'null',
  'undefined',
  'NaN',
  '-0',
  '1e999',
  '9'.repeat(400),
  'x'.repeat(100_000),
  'gs://bucket/../other',
  'postgres://user:pw@127.0.0.1/db',
  '2026-02-30T25:61:61Z',
  '2026-01-01T00:00:00.000Z',
];
const HOSTILE_NUMBERS: readonly number[] = [
  0,
  -0,
  -1,
  1,
  0.1,
  1e21,
  -1e21,
  2 ** 31,
  2 ** 53,
  5e-324,
  1.7e308,
  65536,
];
const HOSTILE_KEYS: readonly string[] = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'id',
  'tenant',
  'model',
  'role',
  'status',
  'createdAt',
  'deletedAt',
  'requestedBy',
  'cloud',
  'plan',
  'limits',
  '$where',
  'a.b',
  '',
  'x'.repeat(2000),
];

const Shape = z.looseObject({
  type: z.union([z.string(), z.array(z.string())]).optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  required: z.array(z.string()).optional(),
  items: z.unknown().optional(),
  anyOf: z.array(z.unknown()).optional(),
  oneOf: z.array(z.unknown()).optional(),
  allOf: z.array(z.unknown()).optional(),
  enum: z.array(z.unknown()).optional(),
  const: z.unknown().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  minItems: z.number().optional(),
  format: z.string().optional(),
  pattern: z.string().optional(),
});

/** The JSON Schema of what a contract's part takes. */
export function schemaOf(part: z.ZodType): unknown {
  return z.toJSONSchema(part, { io: 'input', unrepresentable: 'any' });
}

/** A value that a schema takes, as far as the schema says; `known`: ids that exist. */
export function valueOf(schema: unknown, dice: Dice, known: readonly string[], depth = 0): unknown {
  const shape = Shape.parse(schema ?? {});
  if (shape.const !== undefined) return shape.const;
  if (shape.enum !== undefined) return dice.pick(shape.enum);
  const choices = shape.anyOf ?? shape.oneOf;
  if (choices !== undefined) return valueOf(dice.pick(choices), dice, known, depth);
  if (shape.allOf !== undefined) return valueOf(dice.pick(shape.allOf), dice, known, depth);
  const type = Array.isArray(shape.type) ? dice.pick(shape.type) : shape.type;
  switch (type) {
    case 'object': {
      const required = new Set(shape.required);
      const entries = Object.entries(shape.properties ?? {}).filter(
        ([name]) => required.has(name) || dice.chance(depth > 4 ? 0.1 : 0.6),
      );
      return Object.fromEntries(entries.map(([name, of]) => [name, valueOf(of, dice, known, depth + 1)]));
    }
    case 'array': {
      const count = (shape.minItems ?? 0) + dice.below(3);
      return Array.from({ length: count }, () => valueOf(shape.items, dice, known, depth + 1));
    }
    case 'integer':
      return Math.floor(
        (shape.minimum ?? 0) + dice.next() * Math.min(1000, (shape.maximum ?? 1000) - (shape.minimum ?? 0)),
      );
    case 'number':
      return (shape.minimum ?? 0) + dice.next() * Math.min(1000, (shape.maximum ?? 1) - (shape.minimum ?? 0));
    case 'boolean':
      return dice.chance(0.5);
    case 'null':
      return null;
    case 'string':
      if (shape.format === 'date-time') return new Date(1.7e12 + dice.below(1e11)).toISOString();
      return dice.pick([...known, 'name', 'x1234', 'erp__orders', 'Europe/Berlin', 'gs://bucket/orders.csv']);
    default:
      return dice.pick([null, 1, 'x', {}, []]);
  }
}

/** `value` with something of it replaced, added or taken away. */
export function mutate(value: unknown, dice: Dice, depth = 0): unknown {
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && dice.chance(0.8)) {
    const entries: [string, unknown][] = Object.entries(value);
    const way = dice.below(4);
    if (way === 0 && entries.length > 0) entries.splice(dice.below(entries.length), 1);
    if (way === 1) entries.push([dice.pick(HOSTILE_KEYS), anything(dice)]);
    if (way >= 2 && entries.length > 0) {
      const at = dice.below(entries.length);
      const [name, old] = entries[at] ?? ['', null];
      entries[at] = [name, mutate(old, dice, depth + 1)];
    }
    // defineProperty as JSON.parse does: `__proto__` is a key like any other, and of two of a name the last one counts.
    return entries.reduce(
      (object, [name, value]) =>
        Object.defineProperty(object, name, { value, enumerable: true, configurable: true }),
      {},
    );
  }
  if (Array.isArray(value) && value.length > 0 && dice.chance(0.5))
    return value.map((one, index) => (index === 0 ? mutate(one, dice, depth + 1) : one));
  return anything(dice);
}

function anything(dice: Dice): unknown {
  switch (dice.below(7)) {
    case 0:
      return dice.pick(HOSTILE_NUMBERS);
    case 1:
      return null;
    case 2:
      return dice.chance(0.5);
    case 3:
      return nested(dice.pick([5, 50, 400]));
    case 4:
      return Array.from({ length: dice.pick([0, 1, 300]) }, () => dice.pick(HOSTILE_TEXTS).slice(0, 40));
    default:
      return dice.pick(HOSTILE_TEXTS);
  }
}

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? { a: value } : [value];
  return value;
}
