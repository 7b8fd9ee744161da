/** CSV files in Cloud Storage, plain or gzipped. */
import { TerminalError } from '#core/errors';
import type { Connector, ConnectorContext, ObjectVersion, SourceAccess, TestedStep } from '../connector.ts';
import { runSteps } from '../test-steps.ts';
import { findObject, makeCsvSession, tableNames, type CsvSettings } from './session.ts';

function settingsOf({ settings }: SourceAccess): CsvSettings {
  if (settings.kind === 'csv') return settings;
  throw new TerminalError('source-kind', `A source of kind "${settings.kind}" was given to CSV files.`);
}

/** Cloud Storage is reached with the installation's own account, so the steps of a network sign-in have nothing to do. */
async function* testCsv(
  settings: CsvSettings,
  context: ConnectorContext,
  signal: AbortSignal,
): AsyncGenerator<TestedStep> {
  const session = makeCsvSession(settings, context.objects);
  const ownAccount = async (): Promise<{ skip: string }> => ({ skip: 'Files are read from Cloud Storage.' });
  let found: readonly ObjectVersion[] = [];
  yield* runSteps(
    [
      { name: 'resolve', run: ownAccount },
      {
        name: 'reach',
        run: async () => {
          found = await Promise.all(settings.uris.map((uri) => findObject(context.objects, uri)));
          const bytes = found.reduce((sum, version) => sum + version.bytes, 0);
          return `Found ${found.length} ${found.length === 1 ? 'file' : 'files'}, ${bytes} bytes.`;
        },
      },
      { name: 'tls', run: ownAccount },
      { name: 'sign-in', run: ownAccount },
      {
        name: 'permissions',
        run: async () => {
          for (const { uri, generation } of found) await firstChunk(context.objects.open(uri, generation));
          return 'The files may be read.';
        },
      },
      {
        name: 'read',
        run: async () => {
          const [table = ''] = tableNames(settings.uris).keys();
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

async function firstChunk(chunks: AsyncIterable<Uint8Array>): Promise<void> {
  // Leaving the loop closes the stream.
  for await (const chunk of chunks) if (chunk.length > 0) return;
}

export const csv: Connector = {
  kind: 'csv',
  label: 'CSV files',
  capabilities: {
    chunks: false,
    modes: ['replace', 'append', 'merge'],
    cursorTypes: [],
    ownCursor: true,
    sharedSnapshot: true,
  },
  test: (access, context, signal) => testCsv(settingsOf(access), context, signal),
  async connect(access, context) {
    return makeCsvSession(settingsOf(access), context.objects);
  },
};
