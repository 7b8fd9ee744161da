import { constants, zstdCompressSync } from 'node:zlib';
import { seededRandom } from '#recommender/random';
import { PagePacker } from '#columnar/page-packer';

const random = seededRandom(7);
/** Pages that shrink much, little and not at all, some of several pieces. */
const pages = [0, 1, 300, 20_000, 160_000, 700_000, 3_000_000].flatMap((length) => [
  Buffer.alloc(length, 'orders and lines '),
  Buffer.from(Uint8Array.from({ length }, () => random() * 256)),
]);
const frame = (page: Uint8Array): Buffer =>
  zstdCompressSync(page, { params: { [constants.ZSTD_c_compressionLevel]: 1 } });

test('pages are compressed in any order and at any time, each to the frame it has alone', async () => {
  const packer = new PagePacker();
  const packed = [...pages, ...pages].map((page, index) => {
    // The parts may change as soon as they are given.
    const parts = [page.subarray(0, index), page.subarray(index)].map((part) => Buffer.from(part));
    const waiting = packer.pack(parts);
    for (const part of parts) part.fill(0xff);
    // Some at once: in the middle of a lane's work, and still queued.
    if (index % 3 === 0) packer.finish(waiting);
    return waiting;
  });
  expect(packer.waiting).toBeGreaterThan(0);
  await packer.atMost(0, 0);
  expect([packer.waiting, packer.waitingBytes]).toEqual([0, 0]);
  packed.forEach(({ body, bytes, rawBytes }, index) => {
    const page = pages[index % pages.length]!;
    expect(Buffer.concat(body ?? [])).toEqual(frame(page));
    expect([bytes, rawBytes]).toEqual([frame(page).length, page.length]);
  });
  packer.close();
});

test('what waits is waited for to the number and bytes asked for', async () => {
  const packer = new PagePacker();
  const big = Buffer.alloc(2_000_000, 'x');
  const packed = Array.from({ length: 6 }, () => packer.pack([big]));
  await packer.atMost(3, Infinity);
  expect(packer.waiting).toBeLessThanOrEqual(3);
  await packer.atMost(Infinity, 2_000_000);
  expect(packer.waitingBytes).toBeLessThanOrEqual(2_000_000);
  await packer.atMost(0, 0);
  expect(packed.every(({ body }) => body !== null)).toBe(true);
  packer.close();
});
