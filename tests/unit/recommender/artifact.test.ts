import { createHash } from 'node:crypto';
import { z } from 'zod';
import { makeArtifactWriter, openArtifact } from '../../../functions/recommender/artifact.ts';

function sample(): Uint8Array {
  const writer = makeArtifactWriter();
  writer.value('head', { items: 3 });
  writer.array('weights', Float32Array.of(1.5, -2, 3));
  const part = writer.scope('models').scope('0');
  part.array('index', Int32Array.of(7, 8));
  part.array('times', Float64Array.of(1e300));
  part.strings('names', ['Hex bolt M8', null, '', 'Schraube Ä – 螺栓']);
  return writer.finish();
}

/** `bytes` changed and signed again, so that only what was changed can be noticed. */
function forged(bytes: Uint8Array, change: (copy: Uint8Array) => void): Uint8Array {
  const copy = bytes.slice();
  change(copy);
  copy.set(createHash('sha256').update(copy.subarray(0, -32)).digest(), copy.length - 32);
  return copy;
}

describe('artifact', () => {
  it('gives back what was written', () => {
    const reader = openArtifact(sample());
    expect(reader.value('head', z.object({ items: z.int() }))).toEqual({ items: 3 });
    expect([...reader.f32('weights')]).toEqual([1.5, -2, 3]);
    const part = reader.scope('models').scope('0');
    expect([...part.i32('index')]).toEqual([7, 8]);
    expect([...part.f64('times')]).toEqual([1e300]);
    expect(part.strings('names')).toEqual(['Hex bolt M8', null, '', 'Schraube Ä – 螺栓']);
  });

  it('copies nothing: sections are views of the file, aligned to 64 bytes', () => {
    const bytes = sample();
    const weights = openArtifact(bytes).f32('weights');
    expect(weights.buffer).toBe(bytes.buffer);
    expect(weights.byteOffset % 64).toBe(0);
  });

  it('reads a file that lies anywhere in a larger buffer', () => {
    const bytes = sample();
    const pool = new Uint8Array(bytes.length + 3);
    pool.set(bytes, 3);
    expect([...openArtifact(pool.subarray(3)).f32('weights')]).toEqual([1.5, -2, 3]);
  });

  it('is the same file when written again', () => {
    expect(sample()).toEqual(sample());
  });

  it.each([
    ['cut short', (bytes: Uint8Array) => bytes.subarray(0, bytes.length - 40), /SHA-256 does not match/],
    ['nearly empty', () => new Uint8Array(5), /5 bytes/],
    ['another kind of file', () => new TextEncoder().encode('x'.repeat(100)), /begins with "xxxxxxxx"/],
    [
      'changed by one bit',
      (bytes: Uint8Array) => bytes.with(bytes.length - 60, bytes[bytes.length - 60]! ^ 1),
      /SHA-256/,
    ],
  ])('refuses a file that is %s', (_, spoil, message) => {
    expect(() => openArtifact(spoil(sample()))).toThrow(message);
  });

  it('refuses a file of a newer format, naming both numbers', () => {
    const newer = forged(sample(), (copy) => new DataView(copy.buffer).setUint32(8, 2, true));
    expect(() => openArtifact(newer)).toThrow(
      expect.objectContaining({
        code: 'artifact-newer',
        message: expect.stringMatching(/format 2.*up to 1/),
      }),
    );
  });

  it('refuses a section that reaches past the end', () => {
    const writer = makeArtifactWriter();
    writer.array('weights', new Float32Array(10));
    const hostile = forged(writer.finish(), (copy) => {
      const bytes = Buffer.from(copy.buffer);
      bytes.write('"length":99', bytes.indexOf('"length":10'));
    });
    expect(() => openArtifact(hostile).f32('weights')).toThrow(/"weights" reaches past the end/);
  });

  it('refuses a section at a place where its numbers cannot lie', () => {
    const writer = makeArtifactWriter();
    writer.array('first', new Float32Array(1));
    writer.array('times', new Float64Array(1));
    const hostile = forged(writer.finish(), (copy) => {
      const bytes = Buffer.from(copy.buffer);
      bytes.write('"offset":63', bytes.indexOf('"offset":64'));
    });
    expect(() => openArtifact(hostile).f64('times')).toThrow(
      expect.objectContaining({
        code: 'artifact-damaged',
        message: expect.stringMatching(/"times" lies at byte \d+, no place for f64/),
      }),
    );
  });

  it.each([
    ['end outside their bytes', [2, 99], 2, /text 1 of "names" ends at 99/],
    ['go backwards', [3, 2], 2, /text 1 of "names" ends at 2/],
    ['have too few marks', [1, 3], 1, /"names" has 2 texts and 1 marks/],
  ])('refuses texts that %s', (_, ends, marks, message) => {
    const writer = makeArtifactWriter();
    writer.array('names.ends', Uint32Array.from(ends));
    writer.array('names.bytes', new Uint8Array(3));
    writer.array('names.null', new Uint8Array(marks));
    expect(() => openArtifact(writer.finish()).strings('names')).toThrow(message);
  });

  it('names a section that is missing or of another type', () => {
    const reader = openArtifact(sample());
    expect(() => reader.f32('wieghts')).toThrow(
      expect.objectContaining({
        code: 'artifact-incomplete',
        message: expect.stringContaining('"wieghts"'),
      }),
    );
    expect(() => reader.i32('weights')).toThrow(/"weights"/);
    expect(() => reader.scope('models').value('head', z.string())).toThrow(/"models\/head"/);
  });
});
