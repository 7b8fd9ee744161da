/** The connection test of a SQL Server source. */
import { z } from 'zod';
import type { Credentials } from '#core/source';
import type { ConnectorContext, TestedStep } from '../connector.ts';
import { testServer } from '../server-test.ts';
import { tooOld } from '../source-errors.ts';
import { describeRelation, listRelations } from './catalog.ts';
import { closeConnection, openConnection, placeOf, type SqlServerSettings } from './connection.ts';
import { toSourceError } from './errors.ts';
import { parseRelation, relationSql } from './names.ts';
import { anyRowSql, requireSnapshots } from './snapshot.ts';
import { ask } from './statements.ts';
import { negotiateTls } from './tls-handshake.ts';

/** Editions up to 4 are installed by customers; those of Azure are always new, whatever version they call themselves. */
export const VERSION = `
  SELECT CONVERT(nvarchar(60), SERVERPROPERTY('ProductVersion')) AS version,
    CONVERT(int, SERVERPROPERTY('EngineEdition')) AS edition`;
const VersionRow = z.object({ version: z.string(), edition: z.number() });
/** Version 13 is SQL Server 2016, the first with all that the catalogue is asked for. */
const OLDEST = 13;

/** Yields each step as it ends; see `Connector.test`. */
export function testSqlServer(
  settings: SqlServerSettings,
  credentials: Credentials | null,
  context: ConnectorContext,
  signal: AbortSignal,
): AsyncGenerator<TestedStep> {
  const place = placeOf(settings);
  const inOurWords = (error: unknown): Error => toSourceError(error, place);
  return testServer(
    {
      settings,
      inOurWords,
      grantRemedy: `Grant SELECT on a schema or its tables to the user "${settings.user}", or choose the database that has the tables.`,
      negotiateTls: (socket, pinned) => negotiateTls(socket, settings, pinned),
      tlsNotOffered: () => inOurWords(new Error('The server did not negotiate encryption')),
      async signIn(pinned) {
        const connection = await openConnection(settings, credentials, pinned, context.hosts, signal);
        try {
          const [{ version, edition }] = z.tuple([VersionRow]).parse(await ask(connection, VERSION));
          if (edition <= 4 && Number.parseInt(version, 10) < OLDEST)
            throw tooOld(place, 'SQL Server', version, 'SQL Server 2016 (13.0)');
          return {
            server: `SQL Server ${version}`,
            listTables: () => listRelations(connection),
            hasRow: async (table) => {
              // Without snapshots no table can be read as of one moment: better known now than in the first run.
              await requireSnapshots(connection, place);
              const { name, plans } = await describeRelation(connection, parseRelation(table));
              const expression = plans[0]?.expression ?? '1';
              return (await ask(connection, anyRowSql(relationSql(name), expression))).length > 0;
            },
            close: () => closeConnection(connection),
          };
        } catch (error) {
          await closeConnection(connection);
          throw error;
        }
      },
    },
    context,
    signal,
    credentials,
  );
}
