/**
 * FarmHash Fingerprint64 once more, plainly and in bigints: what the kernel of functions/columnar is tested against. After
 * the algorithm’s description (https://github.com/google/farmhash, farmhashna).
 */
const k0 = 0xc3a5c85c97cb3127n;
const k1 = 0xb492b66fbe98f273n;
const k2 = 0x9ae16a3b2f90404fn;
const mask = 0xffffffffffffffffn;

const u64 = (x: bigint) => x & mask;
const rotate = (x: bigint, by: bigint) => u64((x >> by) | (x << (64n - by)));
const shiftMix = (x: bigint) => x ^ (x >> 47n);

function hash16(u: bigint, v: bigint, mul: bigint): bigint {
  let a = u64((u ^ v) * mul);
  a ^= a >> 47n;
  let b = u64((v ^ a) * mul);
  b ^= b >> 47n;
  return u64(b * mul);
}

function short(bytes: Buffer): bigint {
  const n = bytes.length;
  if (n >= 8) {
    const mul = k2 + BigInt(n) * 2n;
    const a = u64(bytes.readBigUInt64LE(0) + k2);
    const b = bytes.readBigUInt64LE(n - 8);
    return hash16(u64(rotate(b, 37n) * mul + a), u64((rotate(a, 25n) + b) * mul), u64(mul));
  }
  if (n >= 4) {
    const mul = k2 + BigInt(n) * 2n;
    return hash16(
      BigInt(n) + (BigInt(bytes.readUInt32LE(0)) << 3n),
      BigInt(bytes.readUInt32LE(n - 4)),
      u64(mul),
    );
  }
  if (n > 0) {
    const y = BigInt(bytes.readUInt8(0)) + (BigInt(bytes.readUInt8(n >> 1)) << 8n);
    const z = BigInt(n) + (BigInt(bytes.readUInt8(n - 1)) << 2n);
    return u64(shiftMix(u64(y * k2) ^ u64(z * k0)) * k2);
  }
  return k2;
}

function medium(bytes: Buffer): bigint {
  const n = bytes.length;
  const mul = u64(k2 + BigInt(n) * 2n);
  if (n <= 32) {
    const a = u64(bytes.readBigUInt64LE(0) * k1);
    const b = bytes.readBigUInt64LE(8);
    const c = u64(bytes.readBigUInt64LE(n - 8) * mul);
    const d = u64(bytes.readBigUInt64LE(n - 16) * k2);
    return hash16(
      u64(rotate(u64(a + b), 43n) + rotate(c, 30n) + d),
      u64(a + rotate(u64(b + k2), 18n) + c),
      mul,
    );
  }
  const a = u64(bytes.readBigUInt64LE(0) * k2);
  const b = bytes.readBigUInt64LE(8);
  const c = u64(bytes.readBigUInt64LE(n - 8) * mul);
  const d = u64(bytes.readBigUInt64LE(n - 16) * k2);
  const y = u64(rotate(u64(a + b), 43n) + rotate(c, 30n) + d);
  const z = hash16(y, u64(a + rotate(u64(b + k2), 18n) + c), mul);
  const e = u64(bytes.readBigUInt64LE(16) * mul);
  const f = bytes.readBigUInt64LE(24);
  const g = u64((y + bytes.readBigUInt64LE(n - 32)) * mul);
  const h = u64((z + bytes.readBigUInt64LE(n - 24)) * mul);
  return hash16(u64(rotate(u64(e + f), 43n) + rotate(g, 30n) + h), u64(e + rotate(u64(f + a), 18n) + g), mul);
}

type Pair = readonly [bigint, bigint];

function weak(bytes: Buffer, at: number, seedA: bigint, seedB: bigint): Pair {
  const [w, x, y, z] = [0, 8, 16, 24].map((o) => bytes.readBigUInt64LE(at + o)) as [
    bigint,
    bigint,
    bigint,
    bigint,
  ];
  let a = u64(seedA + w);
  let b = rotate(u64(seedB + a + z), 21n);
  const c = a;
  a = u64(a + x + y);
  b = u64(b + rotate(a, 44n));
  return [u64(a + z), u64(b + c)];
}

function long(bytes: Buffer): bigint {
  const n = bytes.length;
  const at = (offset: number) => bytes.readBigUInt64LE(offset);
  let x = 81n;
  let y = u64(81n * k1 + 113n);
  let z = u64(shiftMix(u64(y * k2 + 113n)) * k2);
  let v: Pair = [0n, 0n];
  let w: Pair = [0n, 0n];
  x = u64(x * k2 + at(0));
  const end = Math.floor((n - 1) / 64) * 64;
  const last = n - 64;
  for (let s = 0; s < end; s += 64) {
    x = u64(rotate(u64(x + y + v[0] + at(s + 8)), 37n) * k1);
    y = u64(rotate(u64(y + v[1] + at(s + 48)), 42n) * k1);
    x ^= w[1];
    y = u64(y + v[0] + at(s + 40));
    z = u64(rotate(u64(z + w[0]), 33n) * k1);
    v = weak(bytes, s, u64(v[1] * k1), u64(x + w[0]));
    w = weak(bytes, s + 32, u64(z + w[1]), u64(y + at(s + 16)));
    [z, x] = [x, z];
  }
  const mul = u64(k1 + ((z & 0xffn) << 1n));
  w = [u64(w[0] + BigInt((n - 1) & 63)), w[1]];
  v = [u64(v[0] + w[0]), v[1]];
  w = [u64(w[0] + v[0]), w[1]];
  x = u64(rotate(u64(x + y + v[0] + at(last + 8)), 37n) * mul);
  y = u64(rotate(u64(y + v[1] + at(last + 48)), 42n) * mul);
  x ^= u64(w[1] * 9n);
  y = u64(y + v[0] * 9n + at(last + 40));
  z = u64(rotate(u64(z + w[0]), 33n) * mul);
  v = weak(bytes, last, u64(v[1] * mul), u64(x + w[0]));
  w = weak(bytes, last + 32, u64(z + w[1]), u64(y + at(last + 16)));
  [z, x] = [x, z];
  return hash16(
    u64(hash16(v[0], w[0], mul) + u64(shiftMix(y) * k0) + z),
    u64(hash16(v[1], w[1], mul) + x),
    mul,
  );
}

/** The fingerprint of `bytes`, as the signed 64-bit number GoogleSQL answers. */
export function farmFingerprint(bytes: Uint8Array): bigint {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const n = buffer.length;
  return BigInt.asIntN(64, n <= 16 ? short(buffer) : n <= 64 ? medium(buffer) : long(buffer));
}
