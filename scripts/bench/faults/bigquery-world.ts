/*
 * A world in the local BigQuery: a data set of the customer's, copied by the warehouse or queried with a key. Each commit is
 * one transaction of one writer, so that whole numbers are there in their order.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Warehouse } from '#cloud/bigquery';
import { registerAccount } from '#tests/bigquery';
import type { LocalCloud } from '#scripts/local/cloud';
import { type Changes, History, type Item } from './history.ts';
import {
  FIRST_ROWS,
  makeChanges,
  makeItem,
  momentOfMicros,
  rest,
  type World,
  type WorldOptions,
  WRITERS,
} from './world.ts';

/** What such a world needs to know. */
export interface Surroundings {
  readonly tenant: string;
  readonly cloud: LocalCloud;
  readonly stateDir: string;
  /** The warehouse, reached directly. */
  readonly warehouse: Warehouse;
}

/** A row carries a moment so many seconds before it is there: those of the last ten minutes wait, longer than any story. */
const EARLIER_SECONDS = 597;
/** A transaction that takes longer from its start to its end would break what the connector asks of those who write. */
const SETTLES_MS = (600 - EARLIER_SECONDS) * 1000;

export async function openBigQueryWorld(
  as: 'copied' | 'queried',
  { tenant, cloud, stateDir, warehouse }: Surroundings,
  options: WorldOptions,
): Promise<World> {
  const { dice, twins } = options;
  const dataset = `shop_${randomBytes(6).toString('hex')}`;
  const reader = `reader-${randomBytes(4).toString('hex')}@${cloud.projectId}.iam.gserviceaccount.com`;
  await makeDataset(cloud, dataset, as === 'copied' ? { tenant } : { reader });
  const names = ['items', ...(twins ? ['twins'] : [])].map((name) => `\`${dataset}\`.${name}`);
  const history = new History();
  let number = Math.ceil(FIRST_ROWS / WRITERS) + 1;

  const commit = (changes: Changes): Promise<void> =>
    history.commit(changes, async () => {
      const statements = names.flatMap((name) => changeSql(name, changes));
      await warehouse.query(['BEGIN TRANSACTION;', ...statements, 'COMMIT TRANSACTION;'].join('\n'));
      // The local BigQuery goes back to what somebody has read so.
      const now = `FOR SYSTEM_TIME AS OF TIMESTAMP_MILLIS(${Date.now()})`;
      for (const name of names) await warehouse.query(`SELECT COUNT(*) AS n FROM ${name} ${now}`);
    });
  for (const name of names)
    await warehouse.query(
      `CREATE TABLE ${name} (id INT64 NOT NULL, name STRING NOT NULL, qty INT64 NOT NULL, price NUMERIC NOT NULL, note STRING, rev INT64 NOT NULL, changed TIMESTAMP NOT NULL)`,
    );
  const first = Array.from({ length: FIRST_ROWS }, (_, n) => makeItem(n, dice));
  await commit(new Map(first.map((item) => [item.id, item])));

  return {
    settings: { kind: 'bigquery', project: cloud.projectId, dataset },
    credentials: as === 'copied' ? null : { key: registerAccount(join(stateDir, 'bigquery'), reader) },
    history,
    ...(as === 'copied'
      ? { cursor: 'changed', cursorSql: 'CAST(UNIX_MICROS(changed) AS STRING)', beginning: momentOfMicros }
      : { cursor: 'rev', cursorSql: 'CAST(rev AS STRING)', beginning: (moment) => moment }),
    keyed: false,
    pinned: true,
    settlesMs: as === 'copied' ? SETTLES_MS + 200 : 0,
    unitBytes: 8 * 1024,
    way: null,
    async write(signal) {
      for (let nth = 0; !signal.aborted; nth++) {
        await commit(makeChanges(history, options, nth % WRITERS, () => number++));
        await rest(dice.whole(50, 500), signal);
      }
    },
    lock: () => Promise.resolve(),
    async truth() {
      const moment = as === 'copied' ? 'UNIX_MICROS(changed)' : 'rev';
      const rows = await warehouse.query(`SELECT id, CAST(${moment} AS STRING) AS moment FROM ${names[0]}`);
      return rows.map((row) => {
        const item = history.now.get(Number(row['id']));
        if (item === undefined) throw new Error(`a row that was never committed: ${String(row['id'])}`);
        return { item, moment: String(row['moment']) };
      });
    },
    close: () => warehouse.deleteDataset(dataset),
  };
}

/** Labelled for the tenant that copies it, or open to the account that reads it. */
async function makeDataset(
  { env, projectId, location }: LocalCloud,
  dataset: string,
  whose: { readonly tenant: string } | { readonly reader: string },
): Promise<void> {
  const response = await fetch(`${env['BIGQUERY_ENDPOINT']}/bigquery/v2/projects/${projectId}/datasets`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      datasetReference: { datasetId: dataset },
      location,
      ...('tenant' in whose
        ? { labels: { 'tradewind-tenant': whose.tenant } }
        : { access: [{ role: 'READER', userByEmail: whose.reader }] }),
    }),
  });
  if (!response.ok) throw new Error(await response.text());
}

function changeSql(name: string, changes: Changes): string[] {
  const added = [...changes.values()].filter((item) => item !== null);
  return [
    `DELETE FROM ${name} WHERE id IN (${[...changes.keys()].join(', ')});`,
    ...(added.length === 0
      ? []
      : [
          `INSERT INTO ${name} (id, name, qty, price, note, rev, changed) VALUES ${added.map(rowSql).join(',\n')};`,
        ]),
  ];
}

function rowSql({ id, name, qty, price, note, rev }: Item): string {
  const text = (value: string | null) => (value === null ? 'NULL' : JSON.stringify(value));
  return `(${id}, ${text(name)}, ${qty}, NUMERIC '${price}', ${text(note)}, ${rev}, TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL ${EARLIER_SECONDS} SECOND))`;
}
