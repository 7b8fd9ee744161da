/** The local BigQuery's SQL without its REST server: statements in, rows of text out. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Catalog } from '#scripts/local/bigquery/catalog';
import { openDatabase } from '#scripts/local/bigquery/database';
import { runScript } from '#scripts/local/bigquery/run-script';
import { toCell } from '#scripts/local/bigquery/values';
import type { Cell } from '#scripts/local/bigquery/values';

/** A warehouse in a temporary folder, with one dataset `d`. */
export interface LocalSql {
  /** Runs a script; the rows of its last SELECT, values as in the REST API (timestamps in microseconds). */
  run(query: string): Promise<unknown[][]>;
  close(): void;
}

const plain = (cell: Cell): unknown =>
  cell === null || typeof cell === 'string'
    ? cell
    : 'f' in cell
      ? cell.f.map((c) => plain(c.v))
      : cell.map((c) => plain(c.v));

export async function openLocalSql(): Promise<LocalSql> {
  const dir = mkdtempSync(join(tmpdir(), 'local-sql-'));
  const database = await openDatabase(dir);
  const catalog = await Catalog.open(database, 'demo-tradewind', () => new Date());
  await catalog.createDataset({ dataset: 'd', location: 'EU', creationTime: '0', settings: {} });
  return {
    run: (query) =>
      database.with(async (connection) => {
        const result = await runScript(connection, {
          catalog,
          storageDir: dir,
          query,
          params: new Map(),
          positional: [],
          defaultDataset: 'd',
          location: null,
          account: null,
        });
        const rows = (await result.rows?.getRows()) ?? [];
        return rows.map((row) => result.columns.map((c, i) => plain(toCell(row[i] ?? null, c.type, true))));
      }),
    close() {
      database.close();
      rmSync(dir, { recursive: true });
    },
  };
}
