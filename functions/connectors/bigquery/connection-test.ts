/** The connection test of a data set: sign in, find it, read a row. Nothing that is asked costs anything. */
import { TerminalError } from '#core/errors';
import type { TestedStep } from '../connector.ts';
import { runSteps } from '../test-steps.ts';
import type { BigQueryClient } from './client.ts';
import { mustBeNear } from './session.ts';
import { selectSql, whereSql } from './select.ts';
import { describeTable, groupShards, hasPast, type ListedTable, readableBy, wholeChoice } from './tables.ts';

const AT_GOOGLE = { skip: 'BigQuery answers at Google’s own address, encrypted.' };

/** What is tested: `location` as the settings have it. */
export interface TestedDataset {
  readonly project: string;
  readonly dataset: string;
  readonly location: string | undefined;
}

/** Yields each step as it ends; see `Connector.test`. */
export async function* testBigQuery(
  open: () => BigQueryClient,
  settings: TestedDataset,
  clock: () => number,
  now: () => number,
  signal: AbortSignal,
): AsyncGenerator<TestedStep> {
  const state: { client?: BigQueryClient; tables?: readonly ListedTable[] } = {};
  const client = (): BigQueryClient => (state.client ??= open());
  yield* runSteps(
    [
      { name: 'resolve', run: async () => AT_GOOGLE },
      { name: 'reach', run: async () => AT_GOOGLE },
      { name: 'tls', run: async () => AT_GOOGLE },
      {
        name: 'sign-in',
        run: async () => {
          const { api } = client();
          await api.signIn(signal);
          return api.own
            ? {
                skip: 'No key is set: the installation’s own account reads, if the data set is labelled for you.',
              }
            : `Signed in as ${api.account}.`;
        },
      },
      {
        name: 'permissions',
        run: async () => {
          const location = await client().location();
          mustBeAt(client(), settings.location, location);
          if (client().api.own) await mustBeNear(client(), client().api.warehouseLocation);
          const all = groupShards(await client().tables());
          state.tables = readableBy(client().api.own, all);
          const others = all.length - state.tables.length;
          if (state.tables.length === 0) throw noTables(client(), others);
          const unread =
            others === 0
              ? ''
              : ` ${others} others (views, snapshots, external tables, tables of shards) are not read without a key.`;
          return `Found ${state.tables.length} ${state.tables.length === 1 ? 'table' : 'tables'} in ${location}.${unread}`;
        },
      },
      {
        name: 'read',
        run: async () => {
          const tables = state.tables ?? [];
          const listed = tables.find(({ type, newest }) => type === 'TABLE' && newest === null) ?? tables[0];
          if (listed === undefined) throw new RangeError('no table to read');
          return readOne(client(), settings, listed, clock());
        },
      },
    ],
    now,
    signal,
  );
}

/** Looks at a row, which is free, and with a key at whether a query would run, which is too. */
async function readOne(
  client: BigQueryClient,
  place: Pick<TestedDataset, 'project' | 'dataset'>,
  listed: ListedTable,
  moment: number,
): Promise<string> {
  const relation = await describeTable(client, listed.name);
  const { name, newest } = relation.listed;
  const isTable = newest === null && ['TABLE', 'SNAPSHOT'].includes(relation.facts.type);
  const seen = !isTable
    ? `${name} can be read`
    : (await client.hasRow(name))
      ? `Read a row of ${name}`
      : `${name} can be read; it is empty`;
  if (client.api.own) return `${seen}. BigQuery copies it by itself, at one moment for all tables.`;
  const from = { ...place, table: name, moment: hasPast(relation.listed) ? moment : null };
  const where = whereSql({ ...wholeChoice(relation), range: null });
  const expressions = relation.plans.map(({ expression }) => expression);
  const bytes = await client.bytesOf(selectSql(expressions, from, where), name);
  return `${seen}. Reading all of it scans ${bytes.toLocaleString('en-US')} bytes, which the project ${client.api.jobProject} pays for.`;
}

function mustBeAt(client: BigQueryClient, wanted: string | undefined, location: string): void {
  if (wanted === undefined || wanted.toLowerCase() === location.toLowerCase()) return;
  throw new TerminalError(
    'location-other',
    `The data set ${client.name} is in ${location}, not in ${wanted}.`,
    {
      remedy: 'Correct the location of the source, or leave it out.',
    },
  );
}

function noTables(client: BigQueryClient, others: number): TerminalError {
  return others === 0
    ? new TerminalError('no-tables', `${client.api.account} sees no table in the data set ${client.name}.`, {
        remedy: 'Check the name of the data set, and give the account the role BigQuery Data Viewer on it.',
      })
    : new TerminalError(
        'no-tables',
        `The data set ${client.name} holds only what is not read without a key: views, snapshots, external tables or tables of shards.`,
        {
          remedy: 'Set the key of a service account that may read them.',
        },
      );
}
