/** BigQuery: a data set of the customer's own. */
import { TerminalError } from '#core/errors';
import { CURSOR_TYPES, keyTextOf, type SourceSettings } from '#core/source';
import { limitsOf } from '#core/source-limits';
import type { Connector, ConnectorContext, SourceAccess } from '../connector.ts';
import { openClient } from './client.ts';
import { testBigQuery } from './connection-test.ts';
import { makeBigQuerySession } from './session.ts';

type BigQuerySettings = Extract<SourceSettings, { kind: 'bigquery' }>;

function settingsOf({ settings }: SourceAccess): BigQuerySettings {
  if (settings.kind === 'bigquery') return settings;
  throw new TerminalError('source-kind', `A source of kind "${settings.kind}" was given to BigQuery.`);
}

function open(access: SourceAccess, context: ConnectorContext, signal: AbortSignal) {
  const settings = settingsOf(access);
  const { statementMs } = limitsOf(settings);
  return openClient(context.bigQuery(keyTextOf(access.credentials)), settings, statementMs, signal);
}

/** The moment that a snapshot is of is later than this only if this machine's clock is behind Google's. */
const clock = (): number => Date.now();

export const bigquery: Connector = {
  kind: 'bigquery',
  label: 'BigQuery',
  capabilities: {
    chunks: true,
    cursorTypes: CURSOR_TYPES.bigquery,
    ownCursor: false,
    sharedSnapshot: true,
  },
  placeOf: (settings) => ('dataset' in settings ? `${settings.project}.${settings.dataset}` : ''),
  test(access, context, signal) {
    const { project, dataset, location } = settingsOf(access);
    const place = { project, dataset, location };
    return testBigQuery(() => open(access, context, signal), place, clock, context.now, signal);
  },
  async connect(access, context, signal) {
    const client = open(access, context, signal);
    await client.api.signIn(signal);
    const { project, dataset } = settingsOf(access);
    return makeBigQuerySession(client, { project, dataset }, clock, signal);
  },
};
