import { createHash } from 'node:crypto';
import { z } from 'zod';
import { TerminalError } from '#core/errors';

/**
 * One file holds everything that serving needs.
 *
 *   "TRADEWND" | u32 format | u32 manifest bytes | manifest (JSON) | 0… | section | 0… | section … | SHA-256 of all before
 *
 * Numbers are little-endian. The manifest names each section's type, offset and length; sections start at multiples of
 * 64 bytes and are read as views of the file's memory, without a copy. Written once, never changed in place.
 */
const MAGIC = 'TRADEWND';
/** Raised when a reader of the former number would misread the file. */
export const ARTIFACT_FORMAT = 1;
const HEAD = 16;
/** How many bytes at the end hold the SHA-256 of all before them. */
export const DIGEST_BYTES = 32;
const DIGEST = DIGEST_BYTES;
const ALIGN = 64;

const arrays = {
  f32: Float32Array,
  f64: Float64Array,
  i32: Int32Array,
  u32: Uint32Array,
  u8: Uint8Array,
} as const;
type SectionType = keyof typeof arrays;
type SectionArray = Float32Array | Float64Array | Int32Array | Uint32Array | Uint8Array;

const Manifest = z.object({
  values: z.record(z.string(), z.unknown()),
  sections: z.array(
    z.object({
      name: z.string(),
      type: z.enum(['f32', 'f64', 'i32', 'u32', 'u8']),
      offset: z.int().min(0),
      length: z.int().min(0),
    }),
  ),
});
type Manifest = z.infer<typeof Manifest>;

/** Where a part of the model puts its arrays and small values. Names are unique within a scope. */
export interface SectionWriter {
  array(name: string, values: SectionArray): void;
  /** Anything JSON can hold. */
  value(name: string, value: unknown): void;
  strings(name: string, values: readonly (string | null)[]): void;
  /** The same file under a prefix. */
  scope(prefix: string): SectionWriter;
}

/**
 * Reads what a writer of the same scope wrote. TerminalErrors: `artifact-incomplete` for a missing or mistyped name,
 * `artifact-damaged` for a section that no writer would have put there.
 */
export interface SectionReader {
  f32(name: string): Float32Array;
  f64(name: string): Float64Array;
  i32(name: string): Int32Array;
  value<T>(name: string, schema: z.ZodType<T>): T;
  strings(name: string): (string | null)[];
  scope(prefix: string): SectionReader;
}

/** A writer and the function that closes the file and gives its bytes. */
export function makeArtifactWriter(): SectionWriter & { finish(): Uint8Array } {
  const sections: { name: string; values: SectionArray }[] = [];
  const values: Record<string, unknown> = {};
  return { ...writerAt('', sections, values), finish: () => assemble(sections, values) };
}

function writerAt(
  prefix: string,
  sections: { name: string; values: SectionArray }[],
  values: Record<string, unknown>,
): SectionWriter {
  const writer: SectionWriter = {
    array: (name, array) => {
      sections.push({ name: prefix + name, values: array });
    },
    value: (name, value) => {
      values[prefix + name] = value;
    },
    strings: (name, texts) => {
      const encoded = texts.map((text) => Buffer.from(text ?? '', 'utf8'));
      const ends = new Uint32Array(texts.length);
      let end = 0;
      encoded.forEach((bytes, n) => (ends[n] = end += bytes.length));
      writer.array(`${name}.ends`, ends);
      writer.array(`${name}.bytes`, new Uint8Array(Buffer.concat(encoded)));
      writer.array(
        `${name}.null`,
        Uint8Array.from(texts, (text) => (text === null ? 1 : 0)),
      );
    },
    scope: (inner) => writerAt(`${prefix}${inner}/`, sections, values),
  };
  return writer;
}

function typeOf(values: SectionArray): SectionType {
  if (values instanceof Float32Array) return 'f32';
  if (values instanceof Float64Array) return 'f64';
  if (values instanceof Int32Array) return 'i32';
  return values instanceof Uint32Array ? 'u32' : 'u8';
}

const aligned = (bytes: number) => Math.ceil(bytes / ALIGN) * ALIGN;

function assemble(
  sections: readonly { name: string; values: SectionArray }[],
  values: Record<string, unknown>,
) {
  let offset = 0;
  const manifest: Manifest = { values, sections: [] };
  for (const { name, values: array } of sections) {
    manifest.sections.push({ name, type: typeOf(array), offset, length: array.length });
    offset += aligned(array.byteLength);
  }
  const json = Buffer.from(JSON.stringify(manifest), 'utf8');
  const start = aligned(HEAD + json.length);
  const file = new Uint8Array(start + offset + DIGEST);
  const view = new DataView(file.buffer);
  file.set(Buffer.from(MAGIC, 'latin1'), 0);
  view.setUint32(8, ARTIFACT_FORMAT, true);
  view.setUint32(12, json.length, true);
  file.set(json, HEAD);
  sections.forEach(({ values: array }, n) =>
    file.set(
      new Uint8Array(array.buffer, array.byteOffset, array.byteLength),
      start + (manifest.sections[n]?.offset ?? 0),
    ),
  );
  file.set(createHash('sha256').update(file.subarray(0, -DIGEST)).digest(), file.length - DIGEST);
  return file;
}

/** The TerminalError `artifact-damaged`, saying `what` is wrong. */
export function damaged(what: string, cause?: unknown): TerminalError {
  return new TerminalError('artifact-damaged', `The model artifact cannot be read: ${what}.`, {
    remedy: 'Fetch the file again; if it stays unreadable, train the model again.',
    cause,
  });
}

/**
 * Opens a file's bytes; views share their memory. Truncated or changed bytes: TerminalError `artifact-damaged`; a file
 * of a newer Tradewind: `artifact-newer`.
 * @param contentDigest SHA-256 of all but the last DIGEST_BYTES, where who read the file has computed it on the way
 */
export function openArtifact(bytes: Uint8Array, contentDigest?: Uint8Array): SectionReader {
  // Typed arrays need an aligned start; a Buffer from a pool may lie anywhere.
  const file = bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes);
  if (file.length < HEAD + DIGEST) throw damaged(`it has ${file.length} bytes, too few for any artifact`);
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const magic = Buffer.from(file.subarray(0, 8)).toString('latin1');
  if (magic !== MAGIC) throw damaged(`it begins with ${JSON.stringify(magic)}, not with ${MAGIC}`);
  const format = view.getUint32(8, true);
  if (format > ARTIFACT_FORMAT)
    throw new TerminalError(
      'artifact-newer',
      `The model artifact has format ${format}; this version of Tradewind reads up to ${ARTIFACT_FORMAT}.`,
      { remedy: 'Deploy the version of Tradewind that trained it, or a newer one.' },
    );
  const digest = contentDigest ?? createHash('sha256').update(file.subarray(0, -DIGEST)).digest();
  if (Buffer.compare(digest, file.subarray(-DIGEST)) !== 0)
    throw damaged('its SHA-256 does not match: it is cut short or changed');
  const manifestBytes = view.getUint32(12, true);
  const manifest = parseManifest(file.subarray(HEAD, HEAD + manifestBytes));
  return readerAt('', manifest, file, aligned(HEAD + manifestBytes));
}

function checkStrings(name: string, ends: Uint32Array, bytes: number, flags: number): void {
  if (flags !== ends.length) throw damaged(`"${name}" has ${ends.length} texts and ${flags} marks for them`);
  for (let n = 0; n < ends.length; n++)
    if (ends[n]! < (ends[n - 1] ?? 0) || ends[n]! > bytes)
      throw damaged(
        `text ${n} of "${name}" ends at ${ends[n]}, outside its ${bytes} bytes or before it begins`,
      );
}

function parseManifest(bytes: Uint8Array): Manifest {
  try {
    return Manifest.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch (cause) {
    throw damaged('its list of sections is not readable', cause);
  }
}

function readerAt(prefix: string, manifest: Manifest, file: Uint8Array, start: number): SectionReader {
  const missing = (name: string, cause?: unknown) =>
    new TerminalError(
      'artifact-incomplete',
      `The model artifact has no readable section "${prefix}${name}".`,
      {
        remedy: 'Train the model again with this version of Tradewind.',
        cause,
      },
    );
  const section = (name: string, type: SectionType) => {
    const found = manifest.sections.find((entry) => entry.name === prefix + name && entry.type === type);
    if (!found) throw missing(name);
    if (start + found.offset + found.length * arrays[type].BYTES_PER_ELEMENT > file.length - DIGEST)
      throw damaged(`section "${prefix}${name}" reaches past the end`);
    if ((file.byteOffset + start + found.offset) % arrays[type].BYTES_PER_ELEMENT !== 0)
      throw damaged(`section "${prefix}${name}" lies at byte ${start + found.offset}, no place for ${type}`);
    return { offset: file.byteOffset + start + found.offset, length: found.length };
  };
  const of = <T>(
    name: string,
    type: SectionType,
    View: new (b: ArrayBufferLike, o: number, l: number) => T,
  ): T => {
    const { offset, length } = section(name, type);
    return new View(file.buffer, offset, length);
  };
  const reader: SectionReader = {
    f32: (name) => of(name, 'f32', Float32Array),
    f64: (name) => of(name, 'f64', Float64Array),
    i32: (name) => of(name, 'i32', Int32Array),
    value: (name, schema) => {
      const parsed = schema.safeParse(manifest.values[prefix + name]);
      if (!parsed.success) throw missing(name, parsed.error);
      return parsed.data;
    },
    strings: (name) => {
      const ends = of(`${name}.ends`, 'u32', Uint32Array);
      const bytes = of(`${name}.bytes`, 'u8', Uint8Array);
      const isNull = of(`${name}.null`, 'u8', Uint8Array);
      checkStrings(prefix + name, ends, bytes.length, isNull.length);
      const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      return Array.from(ends, (end, n) =>
        isNull[n] === 1 ? null : buffer.toString('utf8', n === 0 ? 0 : ends[n - 1], end),
      );
    },
    scope: (inner) => readerAt(`${prefix}${inner}/`, manifest, file, start),
  };
  return reader;
}
