/**
 * FarmHash Fingerprint64, which GoogleSQL's FARM_FINGERPRINT is, over many values at once, as WebAssembly: JavaScript has
 * no products of 64 bits but bigints, which take two hundred times as long. After the algorithm's description
 * (https://github.com/google/farmhash, farmhashna). The module is two kilobytes and assembled here, so nothing has to be
 * built; tests compare it with BigQuery's own evaluator and with a second, plain version.
 */

/**
 * Takes `count` values that lie one after the other from the address `at` on, each after its length in four bytes, and
 * writes their fingerprints from `out` on, eight bytes each, low half first. `count` must be at least 1.
 */
export type FarmKernel = (at: number, count: number, out: number) => void;

type Code = readonly number[];

const unsigned = (value: number): Code =>
  value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >>> 7)];
const signed = (value: bigint): Code => {
  const low = Number(value & 127n);
  const rest = value >> 7n;
  const ends = (rest === 0n && low < 64) || (rest === -1n && low >= 64);
  return ends ? [low] : [low | 128, ...signed(rest)];
};
const section = (id: number, body: Code): Code => [id, ...unsigned(body.length), ...body];
const vector = (items: readonly Code[]): Code => [...unsigned(items.length), ...items.flat()];
const text = (value: string): Code => [...unsigned(value.length), ...Buffer.from(value, 'latin1')];
/** Instructions one after another. */
const sequence = (...parts: readonly Code[]): Code => parts.flat();

// Locals: the parameters, the value's end and length, then numbers of 64 bits.
const [AT, COUNT, OUT, END, LENGTH, UNTIL] = [0, 1, 2, 3, 4, 5];
const [HASH, MUL, A, B, C, D, Y, Z, S, T] = [6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
const [X, V0, V1, W0, W1, Q] = [16, 17, 18, 19, 20, 21];

const get = (local: number): Code => [0x20, ...unsigned(local)];
const set = (local: number, value: Code): Code => [...value, 0x21, ...unsigned(local)];

/** Of 32 bits. */
const int = (value: number): Code => [0x41, ...signed(BigInt(value))];
const plus = (a: Code, b: Code): Code => [...a, ...b, 0x6a];
const minus = (a: Code, b: Code): Code => [...a, ...b, 0x6b];
const and = (a: Code, b: Code): Code => [...a, ...b, 0x71];
const half = (a: Code): Code => [...a, ...int(1), 0x76];
const less = (a: Code, b: Code): Code => [...a, ...b, 0x49];
/** As one of 64. */
const wide = (a: Code): Code => [...a, 0xad];

/** Of 64 bits; all wrap around. */
const big = (value: bigint): Code => [0x42, ...signed(BigInt.asIntN(64, value))];
const add = (a: Code, b: Code): Code => [...a, ...b, 0x7c];
const times = (a: Code, b: Code): Code => [...a, ...b, 0x7e];
const xor = (a: Code, b: Code): Code => [...a, ...b, 0x85];
const left = (a: Code, by: number): Code => [...a, ...big(BigInt(by)), 0x86];
const turned = (a: Code, by: number): Code => [...a, ...big(BigInt(by)), 0x8a];
const mixed = (local: number): Code => xor(get(local), [...get(local), ...big(47n), 0x88]);

/** Eight, four and one bytes at an address. */
const bytes8 = (address: Code, offset = 0): Code => [...address, 0x29, 0, ...unsigned(offset)];
const bytes4 = (address: Code): Code => [...address, 0x35, 0, 0];
const byte = (address: Code): Code => [...address, 0x31, 0, 0];
const fromStart = (offset: number): Code => bytes8(get(AT), offset);
const fromEnd = (offset: number): Code => bytes8(minus(get(END), int(offset)));

const choose = (condition: Code, then: Code, otherwise: Code): Code => [
  ...condition,
  0x04,
  0x40,
  ...then,
  0x05,
  ...otherwise,
  0x0b,
];
/** Does `body` again as long as `condition` holds after it. */
const loop = (body: Code, condition: Code): Code => [0x03, 0x40, ...body, ...condition, 0x0d, 0, 0x0b];

const K0 = big(0xc3a5c85c97cb3127n);
const K1 = big(0xb492b66fbe98f273n);
const K2 = big(0x9ae16a3b2f90404fn);

/** Neither of the two may use S or T. */
const hash16 = (u: Code, v: Code, mul: Code): Code =>
  sequence(
    set(T, u),
    set(S, v),
    set(T, times(xor(get(T), get(S)), mul)),
    set(T, times(xor(get(S), mixed(T)), mul)),
    times(mixed(T), mul),
  );

const upTo3: Code = sequence(
  set(A, times(add(byte(get(AT)), left(byte(plus(get(AT), half(get(LENGTH)))), 8)), K2)),
  set(B, times(add(wide(get(LENGTH)), left(byte(minus(get(END), int(1))), 2)), K0)),
  set(A, xor(get(A), get(B))),
  set(HASH, times(mixed(A), K2)),
);

const upTo7: Code = set(
  HASH,
  hash16(add(wide(get(LENGTH)), left(bytes4(get(AT)), 3)), bytes4(minus(get(END), int(4))), get(MUL)),
);

const upTo16: Code = sequence(
  set(A, add(fromStart(0), K2)),
  set(B, fromEnd(8)),
  set(
    HASH,
    hash16(
      add(times(turned(get(B), 37), get(MUL)), get(A)),
      times(add(turned(get(A), 25), get(B)), get(MUL)),
      get(MUL),
    ),
  ),
);

/** Ends and beginnings of values of 17 to 64 bytes, under A to D. */
const four = (first: Code): Code =>
  sequence(
    set(A, times(fromStart(0), first)),
    set(B, fromStart(8)),
    set(C, times(fromEnd(8), get(MUL))),
    set(D, times(fromEnd(16), K2)),
  );
const joined = (a: Code, b: Code, c: Code, d: Code): Code =>
  add(add(turned(add(a, b), 43), turned(c, 30)), d);
const twisted = (a: Code, b: Code, c: Code): Code => add(add(a, turned(b, 18)), c);
const abcd = joined(get(A), get(B), get(C), get(D));
const abc = twisted(get(A), add(get(B), K2), get(C));

const upTo32: Code = sequence(four(K1), set(HASH, hash16(abcd, abc, get(MUL))));

const upTo64: Code = sequence(
  four(K2),
  set(Y, abcd),
  set(Z, hash16(get(Y), abc, get(MUL))),
  // What the reference calls e, f, g and h, in the places of b, c, d and y.
  set(B, times(fromStart(16), get(MUL))),
  set(C, fromStart(24)),
  set(D, times(add(get(Y), fromEnd(32)), get(MUL))),
  set(Y, times(add(get(Z), fromEnd(24)), get(MUL))),
  set(
    HASH,
    hash16(joined(get(B), get(C), get(D), get(Y)), twisted(get(B), add(get(C), get(A)), get(D)), get(MUL)),
  ),
);

/** 32 bytes at AT + `offset` into the pair that holds two seeds. */
const weak = (first: number, second: number, offset: number): Code =>
  sequence(
    set(Q, add(get(first), fromStart(offset))),
    set(second, turned(add(add(get(second), get(Q)), fromStart(offset + 24)), 21)),
    set(first, add(add(get(Q), fromStart(offset + 8)), fromStart(offset + 16))),
    set(second, add(add(get(second), turned(get(first), 44)), get(Q))),
    set(first, add(get(first), fromStart(offset + 24))),
  );

/** 64 bytes at AT into the state; `nine`: as the last ones are taken. */
const block = (mul: Code, nine: boolean): Code =>
  sequence(
    set(X, times(turned(add(add(add(get(X), get(Y)), get(V0)), fromStart(8)), 37), mul)),
    set(Y, times(turned(add(add(get(Y), get(V1)), fromStart(48)), 42), mul)),
    set(X, xor(get(X), nine ? times(get(W1), big(9n)) : get(W1))),
    set(Y, add(add(get(Y), nine ? times(get(V0), big(9n)) : get(V0)), fromStart(40))),
    set(Z, times(turned(add(get(Z), get(W0)), 33), mul)),
    set(V0, times(get(V1), mul)),
    set(V1, add(get(X), get(W0))),
    weak(V0, V1, 0),
    set(W0, add(get(Z), get(W1))),
    set(W1, add(get(Y), fromStart(16))),
    weak(W0, W1, 32),
    set(Q, get(Z)),
    set(Z, get(X)),
    set(X, get(Q)),
  );

const longer: Code = sequence(
  set(V0, big(0n)),
  set(V1, big(0n)),
  set(W0, big(0n)),
  set(W1, big(0n)),
  set(X, add(times(big(81n), K2), fromStart(0))),
  set(Y, add(times(big(81n), K1), big(113n))),
  set(Z, add(times(get(Y), K2), big(113n))),
  set(Z, times(mixed(Z), K2)),
  set(UNTIL, plus(get(AT), and(minus(get(LENGTH), int(1)), int(-64)))),
  loop(sequence(block(K1, false), set(AT, plus(get(AT), int(64)))), less(get(AT), get(UNTIL))),
  set(MUL, add(K1, left([...get(Z), ...big(0xffn), 0x83], 1))),
  set(W0, add(get(W0), wide(and(minus(get(LENGTH), int(1)), int(63))))),
  set(V0, add(get(V0), get(W0))),
  set(W0, add(get(W0), get(V0))),
  set(AT, minus(get(END), int(64))),
  block(get(MUL), true),
  set(A, add(add(hash16(get(V0), get(W0), get(MUL)), times(mixed(Y), K0)), get(Z))),
  set(B, add(hash16(get(V1), get(W1), get(MUL)), get(X))),
  set(HASH, hash16(get(A), get(B), get(MUL))),
);

const shorter = (than: number) => less(get(LENGTH), int(than));

const each: Code = sequence(
  set(LENGTH, [...get(AT), 0x28, 0, 0]),
  set(AT, plus(get(AT), int(4))),
  set(END, plus(get(AT), get(LENGTH))),
  set(MUL, add(K2, left(wide(get(LENGTH)), 1))),
  choose(
    shorter(17),
    choose(shorter(8), choose(shorter(4), choose(shorter(1), set(HASH, K2), upTo3), upTo7), upTo16),
    choose(shorter(33), upTo32, choose(shorter(65), upTo64, longer)),
  ),
  [...get(OUT), ...get(HASH), 0x37, 0, 0],
  set(OUT, plus(get(OUT), int(8))),
  set(AT, get(END)),
  set(COUNT, minus(get(COUNT), int(1))),
);

/** "\0asm", version 1. */
const HEADER: Code = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];

function assembleModule(): Uint8Array<ArrayBuffer> {
  const [i32, i64] = [0x7f, 0x7e];
  const locals = vector([
    [UNTIL - COUNT - 1, i32],
    [Q - UNTIL, i64],
  ]);
  const body = sequence(locals, loop(each, get(COUNT)), [0x0b]);
  return new Uint8Array([
    ...HEADER,
    ...section(1, vector([[0x60, ...vector([[i32], [i32], [i32]]), 0]])),
    ...section(2, vector([[...text('env'), ...text('memory'), 2, 0, 1]])),
    ...section(3, vector([[0]])),
    ...section(7, vector([[...text('farm'), 0, 0]])),
    ...section(10, vector([[...unsigned(body.length), ...body]])),
  ]);
}

let module: WebAssembly.Module | null = null;

/** The kernel over `memory`. */
export function farmOver(memory: WebAssembly.Memory): FarmKernel {
  module ??= new WebAssembly.Module(assembleModule());
  // The module assembled above exports exactly this function.
  return new WebAssembly.Instance(module, { env: { memory } }).exports['farm'] as FarmKernel;
}
