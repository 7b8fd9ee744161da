/** The DuckDB file behind the local BigQuery: opening, connections, statements. */
import { join } from 'node:path';
import { mkdirSync } from 'node:fs';
import { BIGINT, BLOB, DuckDBInstance, DuckDBScalarFunction } from '@duckdb/node-api';
import type { DuckDBConnection, DuckDBMaterializedResult } from '@duckdb/node-api';
import { fingerprints } from '#columnar/farm-fingerprint';
import { wideDecimalFunction } from './wide-decimals.ts';
import { macros } from './sql/macros.ts';

/** One open database. Every job runs on a connection of its own, so each sees its own snapshot. */
export interface Database {
  /** Runs `work` with a connection that is closed afterwards; an open transaction is rolled back by closing. */
  with<T>(work: (connection: DuckDBConnection) => Promise<T>): Promise<T>;
  close(): void;
}

/** Opens (or creates) `<dir>/warehouse.duckdb`; a write-ahead log left by a killed process is replayed by DuckDB. */
export async function openDatabase(dir: string): Promise<Database> {
  mkdirSync(dir, { recursive: true });
  const instance = await DuckDBInstance.create(join(dir, 'warehouse.duckdb'), {
    threads: '2',
    memory_limit: '4GB',
    temp_directory: join(dir, 'spill'),
    // Nothing may be fetched: the file formats needed are built in.
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  const open = async (): Promise<DuckDBConnection> => {
    const connection = await instance.connect();
    await connection.run("SET TimeZone = 'UTC'");
    return connection;
  };
  const setup = await open();
  setup.registerScalarFunction(fingerprintFunction());
  setup.registerScalarFunction(wideDecimalFunction());
  for (const macro of macros) await setup.run(macro);
  setup.closeSync();
  return {
    async with(work) {
      const connection = await open();
      try {
        return await work(connection);
      } finally {
        connection.closeSync();
      }
    },
    close: () => instance.closeSync(),
  };
}

/** FARM_FINGERPRINT over BLOB. Runs on the main thread, one vector (2,048 rows) at a time. */
function fingerprintFunction(): DuckDBScalarFunction {
  return DuckDBScalarFunction.create({
    name: 'farm_fingerprint',
    parameterTypes: [BLOB],
    returnType: BIGINT,
    mainFunction: (_info, input, output) => {
      const column = input.getColumnVector(0);
      // The parameter is a BLOB, so a value that is not NULL has `bytes`.
      const values = Array.from(
        { length: input.rowCount },
        (_, row) => (column.getItem(row) as { bytes: Uint8Array } | null)?.bytes ?? null,
      );
      const given = values.filter((value) => value !== null);
      const found = fingerprints(packed(given), given.length);
      let at = 0;
      values.forEach((value, row) => {
        const fingerprint =
          value === null ? null : (BigInt(found[at + 1] ?? 0) << 32n) | BigInt((found[at] ?? 0) >>> 0);
        if (value !== null) at += 2;
        output.setItem(row, fingerprint);
      });
      output.flush();
    },
  });
}

/** Values one after the other, each after its length in four bytes. */
function packed(values: readonly Uint8Array[]): Buffer {
  const all = Buffer.alloc(values.reduce((sum, { length }) => sum + length + 4, 0));
  let at = 0;
  for (const value of values) {
    at = all.writeUInt32LE(value.length, at);
    all.set(value, at);
    at += value.length;
  }
  return all;
}

/** Runs `work` inside one transaction: committed when it returns, rolled back when it throws. */
export async function transaction<T>(connection: DuckDBConnection, work: () => Promise<T>): Promise<T> {
  await connection.run('BEGIN TRANSACTION');
  try {
    const result = await work();
    await connection.run('COMMIT');
    return result;
  } catch (error) {
    // A failed COMMIT has ended the transaction already.
    await connection.run('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

/** The first column of the first row, or null. */
export async function scalar(connection: DuckDBConnection, sql: string): Promise<unknown> {
  const result: DuckDBMaterializedResult = await connection.run(sql);
  const rows = await result.getRows();
  return rows[0]?.[0] ?? null;
}
