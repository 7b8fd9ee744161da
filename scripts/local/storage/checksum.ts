/** CRC32C (Castagnoli) and MD5, the two checksums Cloud Storage keeps for an object and its client verifies. */
import { createHash } from 'node:crypto';

const table = new Uint32Array(256);
for (let byte = 0; byte < 256; byte += 1) {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  table[byte] = value >>> 0;
}

/** Both checksums of one stream of bytes, in the base64 form of the JSON API. */
export interface Checksums {
  readonly crc32c: string;
  readonly md5Hash: string;
  /** Bytes seen. */
  readonly size: number;
}

/** A running checksum: `update` in order, `digest` once. */
export function makeChecksum(): { update(bytes: Uint8Array): void; digest(): Checksums } {
  const md5 = createHash('md5');
  let crc = 0xffffffff;
  let size = 0;
  return {
    update(bytes) {
      md5.update(bytes);
      size += bytes.length;
      // `?? 0` never happens (the index is a byte); it is what noUncheckedIndexedAccess asks for.
      for (const byte of bytes) crc = (crc >>> 8) ^ (table[(crc ^ byte) & 0xff] ?? 0);
    },
    digest() {
      const value = Buffer.alloc(4);
      value.writeUInt32BE((crc ^ 0xffffffff) >>> 0);
      return { crc32c: value.toString('base64'), md5Hash: md5.digest('base64'), size };
    },
  };
}
