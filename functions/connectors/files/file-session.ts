/**
 * Files in storage as a `SourceSession`: each address is a table, and each pattern; the generations that were there when
 * the snapshot was opened are the moment.
 */
import { z } from 'zod';
import type { Column } from '#core/column';
import { TerminalError } from '#core/errors';
import { inLanes } from '#core/in-lanes';
import type {
  ExtractRequest,
  ExtractResult,
  ObjectReader,
  ObjectVersion,
  SourceSession,
  Unit,
} from '../connector.ts';
import type { FileFormat, FilePart } from './file-format.ts';
import { fileTables, findFiles, type FileTable } from './file-tables.ts';
import { isPinned, nextReading } from './pinned.ts';
import { columnsMark } from './same-columns.ts';
import { ledgerOf, unreadFiles } from './read-ledger.ts';
import { unitName } from '../unit-name.ts';

const File = z.object({ uri: z.string(), generation: z.string(), bytes: z.number() });
const Pinned = z.array(z.object({ table: z.string(), files: z.array(File).nullable(), ledger: z.string() }));
const PlainValue = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const Pieces = z.array(z.object({ file: File, part: z.record(z.string(), PlainValue) }));
const UnitPart = z.object({
  pieces: z.string().transform((text) => Pieces.parse(JSON.parse(text))),
  /** Of a pattern: see `columnsMark`. */
  like: z.string().nullable(),
});

/** Footers and the like that are read together while a table is planned. */
const LANES = 16;
const MAX_UNITS = 2000;
/** Files, or parts of them, that a sample is taken from. */
const SAMPLED_PIECES = 200;

/** A part of a file of the plan. */
interface Piece extends FilePart {
  readonly file: ObjectVersion;
}

/** The session over the files at `uris`. */
export function makeFileSession(
  uris: readonly string[],
  objects: ObjectReader,
  format: FileFormat,
): SourceSession {
  const tables = fileTables(uris);
  /** What this session's own snapshot fixed, or an imported one told: a pattern's files are told to nobody. */
  let pinned: ReadonlyMap<string, readonly ObjectVersion[] | TerminalError> | null = null;
  let token: string | null = null;

  const tableOf = (name: string): FileTable => {
    const table = tables.get(name);
    if (table !== undefined) return table;
    throw new TerminalError('table-not-found', `This source has no file "${name}".`, {
      remedy: `It has: ${[...tables.keys()].join(', ').slice(0, 2000)}.`,
    });
  };
  const filesOf = async (table: FileTable): Promise<readonly ObjectVersion[]> => {
    const files = pinned?.get(table.name);
    return files === undefined ? findFiles(objects, table) : there(files);
  };
  const pinnedFiles = (table: FileTable): readonly ObjectVersion[] => {
    const files = pinned?.get(table.name);
    if (files !== undefined) return there(files);
    throw new TerminalError('snapshot-missing', 'This session has no snapshot to read from.', {
      remedy: 'Call openSnapshot first.',
    });
  };

  return {
    async listTables() {
      return Promise.all(
        [...tables.values()].map(async (table) => ({
          name: table.name,
          kind: 'file' as const,
          estimatedRows: null,
          estimatedBytes: sizeOf(await filesOf(table)),
          comment: null,
        })),
      );
    },

    async describe(name) {
      const files = await filesOf(tableOf(name));
      const { columns, estimatedRows, notes } = await format.describe(files);
      const estimatedBytes = sizeOf(files);
      return { name, kind: 'file', estimatedRows, estimatedBytes, comment: null, columns, key: [], notes };
    },

    async openSnapshot() {
      if (pinned === null || token === null) {
        const found = await Promise.all(
          [...tables.values()].map(async (table) => ({ table, files: await findOrMiss(objects, table) })),
        );
        pinned = new Map(found.map(({ table, files }) => [table.name, files]));
        // Ten thousand addresses would be too long to be handed around, and units name their files themselves.
        token = JSON.stringify(
          found.flatMap(({ table, files }) =>
            files instanceof TerminalError
              ? []
              : [
                  {
                    table: table.name,
                    files: table.pattern ? null : files,
                    ledger: ledgerOf(files).slice(0, 100),
                  },
                ],
          ),
        );
      }
      return { token };
    },

    async importSnapshot(snapshot) {
      const told = Pinned.parse(JSON.parse(snapshot.token));
      pinned = new Map(told.flatMap(({ table, files }) => (files === null ? [] : [[table, files]])));
    },

    async safeUpperBound(name, _cursor, after) {
      const table = tableOf(name);
      const files = pinnedFiles(table);
      const value = !table.pattern
        ? isPinned(files[0]!)
          ? files[0]!.generation
          : nextReading(files[0]!, after)
        : after !== null && unreadFiles(files, after).length === 0
          ? after
          : ledgerOf(files);
      const unknown = files.find((file) => !isPinned(file));
      return { value, guarantee: 'exact', note: unknown === undefined ? null : alwaysRead(unknown) };
    },

    async planUnits(name, { targetBytes, maxUnits = MAX_UNITS, range, limit, loadable }) {
      const table = tableOf(name);
      const files = pinnedFiles(table);
      const after = range?.after ?? null;
      const wanted = table.pattern
        ? unreadFiles(files, after)
        : files.filter(({ generation }) => generation !== after);
      const size = Math.max(targetBytes, Math.ceil(sizeOf(wanted) / maxUnits));
      const like = table.pattern ? await markOf(format, files) : null;
      if (limit === undefined)
        return toUnits(name, await planPieces(format, wanted, size, like, loadable), like, maxUnits);
      // All of it in one unit, whose description has an end.
      const pieces = await planPieces(format, wanted.slice(0, SAMPLED_PIECES), size, like);
      return toUnits(name, pieces.slice(0, SAMPLED_PIECES), like, 1);
    },

    async extract(request) {
      const { pieces, like } = UnitPart.parse(request.unit.part);
      const total: { -readonly [K in keyof ExtractResult]: ExtractResult[K] } = {
        rows: 0,
        rejected: 0,
        bytes: 0,
      };
      for (const { file, part } of pieces) {
        const own = like === null ? left(request, total) : about(left(request, total), file, total);
        if (own.limit === 0) break;
        const { rows, rejected, bytes } = await format.extract({
          file: request.copy ?? file,
          part,
          like,
          request: own,
        });
        total.rows += rows;
        total.rejected += rejected;
        total.bytes += bytes;
      }
      return total;
    },

    async close() {
      format.close();
    },
  };
}

/** What is still wanted of a sample. */
function left(request: ExtractRequest, { rows, rejected }: ExtractResult): ExtractRequest {
  const { limit } = request;
  return limit === undefined ? request : { ...request, limit: Math.max(0, limit - rows - rejected) };
}

/** The request for one of several files: rejects name it, progress counts from what was read before. */
function about(request: ExtractRequest, { uri }: ObjectVersion, before: ExtractResult): ExtractRequest {
  const name = uri.slice(uri.lastIndexOf('/') + 1);
  const done = { ...before };
  const { onProgress } = request;
  return {
    ...request,
    reject: (reject) => request.reject({ ...reject, message: `${name}: ${reject.message}` }),
    ...(onProgress === undefined
      ? {}
      : {
          onProgress: ({ rows, bytes }) => onProgress({ rows: done.rows + rows, bytes: done.bytes + bytes }),
        }),
  };
}

function alwaysRead({ uri }: ObjectVersion): string {
  return `The server of ${uri} sends neither ETag nor Last-Modified, so nobody can tell when the file changes: it counts as changed at every load.`;
}

/** The files of `table`; that there are none fails what reads the table, and not the other tables of the source. */
async function findOrMiss(
  objects: ObjectReader,
  table: FileTable,
): Promise<readonly ObjectVersion[] | TerminalError> {
  try {
    return await findFiles(objects, table);
  } catch (error) {
    if (error instanceof TerminalError && error.code === 'object-not-found') return error;
    throw error;
  }
}

function there(files: readonly ObjectVersion[] | TerminalError): readonly ObjectVersion[] {
  if (files instanceof TerminalError) throw files;
  return files;
}

function sizeOf(files: readonly ObjectVersion[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** What the columns of all `files` must be. */
async function markOf(format: FileFormat, files: readonly ObjectVersion[]): Promise<string> {
  const { columns } = await format.describe(files);
  return columnsMark(columns.map(({ name }) => name));
}

/** The parts of all files in order, several files planned at a time. */
async function planPieces(
  format: FileFormat,
  files: readonly ObjectVersion[],
  targetBytes: number,
  like: string | null,
  loadable?: readonly Column[],
): Promise<readonly Piece[]> {
  const planned: Piece[][] = files.map(() => []);
  await inLanes([...files.entries()], LANES, async ([index, file]) => {
    const parts = await format.plan(
      file,
      targetBytes,
      like,
      file.uri.startsWith('gs://') ? loadable : undefined,
    );
    planned[index] = parts.map((part) => ({ ...part, file }));
  });
  return planned.flat();
}

/** What a unit of these pieces says of loading its object as it is. */
function asItIs(own: readonly Piece[]): Pick<Unit, 'object' | 'written'> {
  const [first] = own;
  if (first?.written === undefined) return {};
  if (own.length > 1) return { written: `it is one of more than ${MAX_UNITS} files` };
  return first.written === null ? { object: { ...first.file } } : { written: first.written };
}

/** One unit for each piece, or for several in a row where there would be more than `maxUnits`. */
function toUnits(
  table: string,
  pieces: readonly Piece[],
  like: string | null,
  maxUnits: number,
): readonly Unit[] {
  const together = Math.max(1, Math.ceil(pieces.length / maxUnits));
  const units: Unit[] = [];
  for (let at = 0; at < pieces.length; at += together) {
    const own = pieces.slice(at, at + together);
    const sum = (key: 'estimatedRows' | 'estimatedBytes'): number | null =>
      own.reduce<number | null>(
        (total, piece) => (total === null || piece[key] === null ? null : total + piece[key]),
        0,
      );
    units.push({
      id: unitName(units.length),
      table,
      part: { pieces: JSON.stringify(own.map(({ file, part }) => ({ file, part }))), like },
      estimatedRows: sum('estimatedRows'),
      estimatedBytes: sum('estimatedBytes'),
      ...asItIs(own),
    });
  }
  return units;
}
