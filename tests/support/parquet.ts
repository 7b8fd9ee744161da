/** Parquet files in memory, read back by two independent readers. */
import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { parquetReadObjects } from 'hyparquet';
import type { ByteSink } from '#columnar/table-writer';

/** A sink that keeps everything. */
export interface MemorySink extends ByteSink {
  /** The bytes so far. */
  bytes(): Uint8Array<ArrayBuffer>;
}

export function makeMemorySink(): MemorySink {
  const chunks: Uint8Array[] = [];
  return {
    async write(chunk) {
      chunks.push(chunk.slice());
    },
    bytes: () => new Uint8Array(Buffer.concat(chunks)),
  };
}

/** The rows as hyparquet reads them, strings decoded, bytes raw. */
export async function readWithHyparquet(bytes: Uint8Array<ArrayBuffer>): Promise<Record<string, unknown>[]> {
  return parquetReadObjects({
    file: bytes.buffer,
    compressors: { ZSTD: (input) => new Uint8Array(zstdDecompressSync(input)) },
  });
}

/** DuckDB's answer to `sql`, which names the file's rows as `$file` and its path as `$path`; 64-bit numbers as text. */
export async function readWithDuckDb(
  bytes: Uint8Array,
  sql = 'SELECT * FROM $file',
): Promise<Record<string, unknown>[]> {
  const file = path.join(tmpdir(), `tradewind-test-${randomUUID()}.parquet`);
  await writeFile(file, bytes);
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    await connection.run("SET timezone = 'UTC'");
    const reader = await connection.runAndReadAll(
      sql.replaceAll('$file', `read_parquet('${file}')`).replaceAll('$path', `'${file}'`),
    );
    return reader.getRowObjectsJson();
  } finally {
    connection.closeSync();
    instance.closeSync();
    await rm(file, { force: true });
  }
}
