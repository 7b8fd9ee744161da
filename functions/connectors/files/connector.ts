/** The connector of a kind of files: all of it but the format. */
import { CURSOR_TYPES, filesOf, type SourceSettings } from '#core/source';
import { TerminalError } from '#core/errors';
import type {
  Connector,
  ConnectorCapabilities,
  ConnectorContext,
  ObjectReader,
  ObjectVersion,
  SourceAccess,
  TestedStep,
} from '../connector.ts';
import { runSteps } from '../test-steps.ts';
import type { FileFormat } from './file-format.ts';
import { makeFileSession } from './file-session.ts';
import { fileTables, findFiles } from './file-tables.ts';
import { joinReaders, makeHttpsObjects } from './https-objects.ts';

/** Kinds of sources that are files. */
export type FileKind = Extract<SourceSettings, { uris: unknown }>['kind'];
type SettingsOf<K extends FileKind> = Extract<SourceSettings, { kind: K }> & {
  readonly uris: readonly string[];
};

/** What a kind of files says of itself. */
export interface FileKindOptions<K extends FileKind> {
  readonly kind: K;
  readonly label: string;
  readonly chunks: boolean;
  readonly asItIs?: boolean;
  readonly makeFormat: (settings: SettingsOf<K>, objects: ObjectReader) => FileFormat;
}

/** The connector of `kind`. */
export function makeFileConnector<K extends FileKind>(options: FileKindOptions<K>): Connector {
  const { kind, label, chunks, asItIs = false, makeFormat } = options;
  const settingsOf = ({ settings }: SourceAccess): SettingsOf<K> => {
    if (settings.kind === kind) return settings as SettingsOf<K>; // just compared; TypeScript cannot narrow by a generic
    throw new TerminalError('source-kind', `A source of kind "${settings.kind}" was given to ${label}.`);
  };
  const capabilities: ConnectorCapabilities = {
    chunks,
    cursorTypes: CURSOR_TYPES[kind],
    ownCursor: true,
    asItIs,
    sharedSnapshot: true,
  };
  return {
    kind,
    label,
    capabilities,
    placeOf: (settings, table) => fileTables(filesOf(settings)).get(table)?.uri ?? table,
    test(access, context, signal) {
      const settings = settingsOf(access);
      return testFiles(filesOf(settings), context, (objects) => makeFormat(settings, objects), signal);
    },
    async connect(access, context, signal) {
      const settings = settingsOf(access);
      const objects = readerOf(context, signal);
      return makeFileSession(filesOf(settings), objects, makeFormat(settings, objects));
    },
  };
}

/** Cloud Storage is reached with the installation's own account, so the steps of a network sign-in have nothing to do. */
async function* testFiles(
  uris: readonly string[],
  context: ConnectorContext,
  makeFormat: (objects: ObjectReader) => FileFormat,
  signal: AbortSignal,
): AsyncGenerator<TestedStep> {
  const objects = readerOf(context, signal);
  const session = makeFileSession(uris, objects, makeFormat(objects));
  const tables = [...fileTables(uris).values()];
  const ownAccount = async (): Promise<{ skip: string }> => ({ skip: 'Files need no sign-in of their own.' });
  const found: ObjectVersion[] = [];
  yield* runSteps(
    [
      { name: 'resolve', run: ownAccount },
      {
        name: 'reach',
        run: async () => {
          for (const files of await Promise.all(tables.map((table) => findFiles(objects, table))))
            found.push(...files);
          const bytes = found.reduce((sum, version) => sum + version.bytes, 0);
          return `Found ${found.length} ${found.length === 1 ? 'file' : 'files'}, ${bytes} bytes.`;
        },
      },
      { name: 'tls', run: ownAccount },
      { name: 'sign-in', run: ownAccount },
      {
        name: 'permissions',
        run: async () => {
          // One account reads them all: of very many files a few stand for the others.
          for (const { uri, generation } of found.slice(0, 100))
            await firstChunk(objects.open(uri, generation));
          return 'The files may be read.';
        },
      },
      {
        name: 'read',
        run: async () => {
          const table = tables[0]?.name ?? '';
          const { columns } = await session.describe(table);
          return `${table} has the columns ${columns
            .map(({ name }) => name)
            .join(', ')
            .slice(0, 400)}.`;
        },
      },
    ],
    context.now,
    signal,
  );
}

function readerOf({ objects, hosts, patienceMs }: ConnectorContext, signal: AbortSignal): ObjectReader {
  const patience = patienceMs === undefined ? {} : { silenceMs: patienceMs };
  return joinReaders(objects, makeHttpsObjects(hosts, { signal, ...patience }));
}

async function firstChunk(chunks: AsyncIterable<Uint8Array>): Promise<void> {
  // Leaving the loop closes the stream.
  for await (const chunk of chunks) if (chunk.length > 0) return;
}
