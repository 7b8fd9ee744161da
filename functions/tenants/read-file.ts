import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { Files } from '#cloud/storage';
import { TerminalError } from '#core/errors';
import { type Arrival, type Carried, carriedAs, PathPart } from '#core/tenant-collections';
import { FileDocument, FileEnd, FileHeader, type Missing } from '#core/tenant-file';
import { idFrom } from '#store/store';

/*
 * Reading an export's file. It comes from outside: whatever it says may be meant to do harm. So every document has to be
 * of a collection that is carried, fit that collection's schema, and carry the ids of its own place; the ids of the tenant
 * and of its models are replaced by ones made here, for a model's id also names its service and its data sets.
 */

/** What a file may hold at most: bytes of a line (a document's limit), bytes unpacked, documents. */
const LIMITS = { line: 1_000_000, unpacked: 4 * 2 ** 30, documents: 500_000 } as const;

/** Where a file is read into. */
export interface Destination {
  readonly import: string;
  readonly tenant: string;
  /** The bucket of the tenant's objects. */
  readonly bucket: string;
  readonly at: string;
}

/** A document as it is to be written: `path` below the tenant. */
export interface Arrived {
  readonly path: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly collection: Carried;
}

/** What is told of the file besides its documents. */
export interface FileNotes {
  /** Something that the file does not hold. */
  readonly onMissing?: (missing: Missing) => void;
  /** A document that is not brought, because its work goes on elsewhere. */
  readonly onLeftOut?: () => void;
}

/**
 * The documents of the file at `uri`, ready to be written.
 * @throws TerminalError `import-invalid`, naming the line, at the first thing that is not as an export writes it
 */
export async function* readFile(
  files: Pick<Files, 'read'>,
  uri: string,
  to: Destination,
  notes: FileNotes = {},
): AsyncIterable<Arrived> {
  const names = new Map<string, string>();
  const seen = new Set<string>();
  const leftOut = new Set<string>();
  let number = 0;
  let documents = 0;
  let ended = false;
  for await (const text of linesOf(files, uri)) {
    number++;
    const refuse = (why: string) => invalid(`Line ${number} of the file ${why}.`);
    const value = parseJson(text, refuse);
    if (number === 1) {
      const header = FileHeader.safeParse(value);
      if (!header.success) throw refuse('does not say that it is an export of version 1');
      names.set(header.data.tenant, to.tenant);
      continue;
    }
    if (ended) throw refuse('comes after the end');
    const end = FileEnd.safeParse(value);
    if (end.success) {
      if (end.data.documents !== documents) throw refuse('names another number of documents');
      ended = true;
      continue;
    }
    documents++;
    const document = FileDocument.safeParse(value);
    if (!document.success) throw refuse('is no document');
    const former = document.data.path;
    const collection = former.split('/').every((part) => PathPart.test(part)) ? carriedAs(former) : null;
    if (collection === null) throw refuse(`has a path that no export holds ("${former.slice(0, 100)}")`);
    if (seen.has(former)) throw refuse('comes a second time');
    const parent = former.split('/').slice(0, -2).join('/');
    if (collection.path.startsWith('models/*/') && !seen.has(parent) && !leftOut.has(parent))
      throw refuse('comes without the document it belongs to');
    if (documents > LIMITS.documents) throw refuse('is one document too many');
    if (collection.path === 'models/*')
      names.set(former.split('/')[1] ?? '', idFrom('m', `${to.import}\n${former}`));
    if (leftOut.has(parent)) {
      leftOut.add(former);
      continue;
    }
    // Ids alone: what a file calls its model must not rename a collection.
    const path = former
      .split('/')
      .map((part, at) => (at % 2 === 1 ? (names.get(part) ?? part) : part))
      .join('/');
    const parsed = collection.schema.safeParse(renameAll(document.data.data, names));
    if (!parsed.success)
      throw refuse(`does not fit ${collection.path} (${parsed.error.issues[0]?.path.join('.')})`);
    mustBelong(parsed.data, path, to.tenant, refuse);
    for (const missing of missingOf(collection, path, parsed.data)) notes.onMissing?.(missing);
    if (collection.arrive === undefined) {
      seen.add(former);
      continue;
    }
    const data = collection.arrive(parsed.data, arrivalAt(path, to));
    if (data === null) {
      leftOut.add(former);
      notes.onLeftOut?.();
      continue;
    }
    seen.add(former);
    yield { path, data, collection };
  }
  if (!ended) throw invalid('The file breaks off before its end.');
}

function arrivalAt(path: string, to: Destination): Arrival {
  const [top, model = ''] = path.split('/');
  const prefix = top === 'models' ? `${to.tenant}/${model}/` : '';
  return { import: to.import, at: to.at, bucket: to.bucket, prefix };
}

/** Ids within a document have to be those of its place: others act on what they name. */
function mustBelong(
  data: Readonly<Record<string, unknown>>,
  path: string,
  tenant: string,
  refuse: (why: string) => TerminalError,
): void {
  const id = path.split('/').at(-1);
  if (data['id'] !== undefined && data['id'] !== id) throw refuse('has another id than its path');
  if (data['tenant'] !== undefined && data['tenant'] !== tenant) throw refuse('belongs to another tenant');
}

function missingOf(
  { path: pattern }: Carried,
  path: string,
  data: Readonly<Record<string, unknown>>,
): Missing[] {
  const given = data['name'] ?? data['email'] ?? data['number'];
  const name = typeof given === 'string' || typeof given === 'number' ? `${given}` : '';
  if (pattern === 'members/*') return [{ kind: 'member', path, name }];
  if (pattern === 'apiKeys/*' && data['revokedAt'] === null) return [{ kind: 'api-key', path, name }];
  if (pattern === 'models/*/sources/*' && data['credentialsSetAt'] !== null)
    return [{ kind: 'credentials', path, name }];
  return pattern === 'models/*/versions/*' ? [{ kind: 'object', path, name: `version ${name}` }] : [];
}

/** `value` with every id that was replaced, wherever it stands in a text as a word of its own. */
function renameAll(value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (typeof value === 'string') return renamed(value, names);
  if (Array.isArray(value)) return value.map((one) => renameAll(one, names));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, renameAll(one, names)]));
}

function renamed(text: string, names: ReadonlyMap<string, string>): string {
  return text.replaceAll(/[a-z0-9]+/g, (word) => names.get(word) ?? word);
}

/** The file's lines, unpacked as they are asked for; never more of it in memory than a line and a chunk. */
async function* linesOf(files: Pick<Files, 'read'>, uri: string): AsyncIterable<string> {
  const unzipped = createGunzip();
  // What goes wrong on either side reaches whoever reads `unzipped`.
  pipeline(Readable.from(files.read(uri), { objectMode: false }), unzipped, () => undefined);
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let unpacked = 0;
  let rest = '';
  try {
    // A gunzip stream yields Buffers, which its type does not say.
    for await (const chunk of unzipped as AsyncIterable<Buffer>) {
      unpacked += chunk.length;
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      if (unpacked > LIMITS.unpacked || rest.length > LIMITS.line)
        throw invalid('The file, or a line of it, is larger than any export.');
      yield* lines;
    }
  } catch (error) {
    const code = String(Object(error).code);
    if (code.startsWith('Z_') || code === 'ERR_ENCODING_INVALID_ENCODED_DATA')
      throw invalid('The file is not gzip, not UTF-8, or broken.', error);
    throw error;
  }
  if (rest !== '') yield rest;
}

function parseJson(text: string, refuse: (why: string) => TerminalError): unknown {
  let odd: string | undefined;
  try {
    const value: unknown = JSON.parse(text, (key, one: unknown) => {
      // Firestore keeps such names to itself, and so does JavaScript.
      if (/^__.*__$/.test(key)) odd = key;
      return one;
    });
    if (odd === undefined) return value;
  } catch {
    throw refuse('is not JSON');
  }
  throw refuse(`has a field named "${odd.slice(0, 40)}"`);
}

function invalid(message: string, cause?: unknown): TerminalError {
  return new TerminalError('import-invalid', message, {
    remedy: 'Upload the file exactly as the export made it, and start the import again.',
    ...(cause === undefined ? {} : { cause }),
  });
}
