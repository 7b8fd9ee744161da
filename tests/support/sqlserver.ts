/** A SQL Server for tests: TDS on the wire, tables in memory. What of it a real one may do otherwise, the README says. */
import type { SourceAccess } from '#connectors/connector';
import type { SqlServerSettings } from '#connectors/sqlserver/connection';
import { TestDatabase } from './tds-server/database.ts';
import { startTdsServer, type TdsServer } from './tds-server/server.ts';
import type { SessionOptions } from './tds-server/session.ts';
import type { TestColumn } from './tds-server/tables.ts';

export type { TestColumn };

export interface TestSqlServer extends TdsServer {
  readonly database: TestDatabase;
  /** How to reach it as `owner`; `changes` to the settings. */
  readonly access: (changes?: Partial<SqlServerSettings>, password?: string) => SourceAccess;
}

const DATABASE = 'shop';
const USERS = ['owner', 'reader', 'stranger'];
const PASSWORD = 'reader sécret';

/** Starts one; `options` stand in for what a well-behaved server does. */
export async function startTestSqlServer(options: Partial<SessionOptions> = {}): Promise<TestSqlServer> {
  const database = new TestDatabase();
  const server = await startTdsServer({
    signIn: ({ user, password, database: wanted }) => {
      if (!USERS.includes(user) || password !== PASSWORD)
        return { number: 18456, message: `Login failed for user '${user}'.`, severity: 14 };
      if (wanted === DATABASE) return null;
      return { number: 4060, message: `Cannot open database "${wanted}" requested by the login. The login failed.`, severity: 11 };
    },
    answer: ({ sql, parameters }, session) => database.answer(sql, parameters, session),
    ...options,
  }); // prettier-ignore
  return {
    ...server,
    database,
    access: (changes = {}, password = PASSWORD) => ({
      settings: {
        kind: 'sqlserver',
        host: '127.0.0.1',
        port: server.port,
        database: DATABASE,
        user: 'owner',
        sslMode: 'prefer',
        readOnlyIntent: false,
        ...changes,
      },
      credentials: { password },
    }),
  };
}
