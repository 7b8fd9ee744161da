/** The order lines as Parquet that DuckDB has written, as a data set of BigQuery that has loaded it, and how tables compare. */
import { BigQuery } from '@google-cloud/bigquery';
import { DuckDBInstance } from '@duckdb/node-api';
import { PassThroughClient } from 'google-auth-library';
import type { LocalCloud } from '#scripts/local/cloud';
import { type OrderColumn, typeIn } from './columns.ts';

const text = (value: string): string => `'${value.replaceAll("'", "''")}'`;

/** Writes `orders` as Parquet to `to`: DuckDB reads the file as text and casts it. */
export async function writeParquet(file: string, to: string, columns: readonly OrderColumn[]): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    const casts = columns.map((column) => {
      const type = typeIn('duckdb', column);
      return `CAST("${column.name}" AS ${type}) AS "${column.name}"`;
    });
    await connection.run(
      `COPY (SELECT ${casts.join(', ')} FROM read_csv(${text(file)}, header = true, all_varchar = true, delim = ',', quote = '"', escape = '"'))
       TO ${text(to)} (FORMAT parquet, COMPRESSION zstd)`,
    );
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** A client of the local cloud's BigQuery. */
export function openBigQuery({ env, projectId }: LocalCloud): BigQuery {
  const apiEndpoint = env['BIGQUERY_ENDPOINT'] ?? '';
  return new BigQuery({ projectId, apiEndpoint, authClient: new PassThroughClient() });
}

/** A data set `dataset` with the table `orders`, loaded from the Parquet object by BigQuery; labelled for the tenant. */
export async function fillBigQuery(
  cloud: LocalCloud,
  {
    dataset,
    uri,
    tenant,
    reader,
  }: { readonly dataset: string; readonly uri: string; readonly tenant: string; readonly reader: string },
  columns: readonly OrderColumn[],
): Promise<void> {
  const client = openBigQuery(cloud);
  const { location, projectId } = cloud;
  await client.createDataset(dataset, {
    location,
    labels: { 'tradewind-tenant': tenant },
    access: [{ role: 'READER', userByEmail: reader }],
  });
  const fields = columns.map((column) => ({ name: column.name, type: typeIn('bigquery', column) }));
  const [job] = await client.createJob({
    location,
    configuration: {
      load: {
        sourceUris: [uri],
        sourceFormat: 'PARQUET',
        schema: { fields },
        destinationTable: { projectId, datasetId: dataset, tableId: 'orders' },
      },
    },
  });
  await job.promise();
}

/** Rows of a statement. */
export async function rowsOf(cloud: LocalCloud, sql: string): Promise<Record<string, unknown>[]> {
  const [found] = await openBigQuery(cloud).query({ query: sql, location: cloud.location });
  // The client types rows as any[]; they are plain objects by column name.
  return found as Record<string, unknown>[];
}

/** How many different rows `one` has more often than `other`, or alone. */
export async function surplus(
  cloud: LocalCloud,
  one: string,
  other: string,
  columns: readonly OrderColumn[],
): Promise<number> {
  const names = columns.map(({ name }) => `\`${name}\``).join(', ');
  const counted = (table: string) => `SELECT ${names}, COUNT(*) AS copies FROM ${table} GROUP BY ${names}`;
  const sql = `SELECT COUNT(*) AS n FROM (${counted(one)} EXCEPT DISTINCT ${counted(other)})`;
  return Number((await rowsOf(cloud, sql))[0]?.['n']);
}
