import { fingerprints } from '#columnar/farm-fingerprint';
import { farmFingerprint } from '#tests/farm-reference';

/** Values one after the other, each after its length. */
function packed(values: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(
    values.flatMap((value) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(value.length);
      return [length, value];
    }),
  );
}

function found(values: readonly Uint8Array[]): bigint[] {
  const halves = fingerprints(packed(values), values.length);
  return values.map((_, at) => (BigInt(halves[at * 2 + 1]!) << 32n) | BigInt(halves[at * 2]! >>> 0));
}

/** Bytes that are the same each time and look like none. */
function bytes(length: number): Uint8Array {
  let state = length + 1;
  return Uint8Array.from({ length }, () => (state = Math.imul(state, 0x9e37_79b1) ^ (state >>> 13)) >>> 24);
}

test('known fingerprints, of BigQuery’s documentation and the reference’s empty value', () => {
  expect(found([Buffer.from('')])).toEqual([-7286425919675154353n]);
  // SELECT FARM_FINGERPRINT(CONCAT(CAST(x AS STRING), y, CAST(z AS STRING))) of (1, "foo", true), (2, "apple", false), …
  expect(found(['1footrue', '2applefalse', '3true'].map((text) => Buffer.from(text)))).toEqual([
    -1541654101129638711n,
    2794438866806483259n,
    -4880158226897771312n,
  ]);
});

test('values of every length up to five blocks, many at once, as the plain version has them', () => {
  const values = Array.from({ length: 330 }, (_, length) => bytes(length));
  expect(found(values)).toEqual(values.map(farmFingerprint));
});

test('no values, and a long one between short ones', () => {
  expect(fingerprints(new Uint8Array(0), 0)).toHaveLength(0);
  const values = [bytes(5_000_000), bytes(3)];
  const [, last] = found(values);
  expect(last).toBe(farmFingerprint(bytes(3)));
  expect(found([bytes(20)])).toEqual([farmFingerprint(bytes(20))]);
});
