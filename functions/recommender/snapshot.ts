import { zstdDecompressSync } from 'node:zlib';
import { type DecodedArray, parquetScan } from 'hyparquet';
import { TerminalError } from '#core/errors';
import type { Catalogue, Interactions } from './data.ts';

/*
 * The snapshot as the vocabulary stage exports it: Parquet, each table in any number of part files, rows in any order.
 *
 *   customers     id INT64 (dense, from 0)   key STRING   name STRING?
 *   items         id INT64 (dense, from 0)   key STRING   name STRING?   category STRING?
 *   interactions  customer INT64   item INT64   time TIMESTAMP   quantity FLOAT64   value FLOAT64?   basket STRING?
 */

/** A part file, fetched when its turn comes. `name` is for messages. */
export interface Part {
  readonly name: string;
  read(): Promise<Uint8Array>;
}

export interface Snapshot {
  readonly customers: Catalogue;
  readonly items: Catalogue;
  readonly interactions: Interactions;
}

/**
 * Reads all parts, one in memory at a time. TerminalError `snapshot-invalid` names the file and column where a part is
 * no Parquet, a column is missing or of another type, or ids are not dense.
 */
export async function readSnapshot(parts: {
  customers: readonly Part[];
  items: readonly Part[];
  interactions: readonly Part[];
}): Promise<Snapshot> {
  const customers = await readTable(parts.customers, ['id', 'key', 'name']);
  const items = await readTable(parts.items, ['id', 'key', 'name', 'category']);
  const lines = await readTable(parts.interactions, [
    'customer',
    'item',
    'time',
    'quantity',
    'value',
    'basket',
  ]);
  const categories = byId(items, 'category', asText, null);
  return {
    customers: { keys: byId(customers, 'key', asKey), names: byId(customers, 'name', asText, null) },
    items: { keys: byId(items, 'key', asKey), names: byId(items, 'name', asText, null), categories },
    interactions: {
      customer: Int32Array.from(lines.values('customer'), (id) => asNumber('customer', id)),
      item: Int32Array.from(lines.values('item'), (id) => asNumber('item', id)),
      time: Float64Array.from(lines.values('time'), (time) => asNumber('time', time)),
      quantity: Float64Array.from(lines.values('quantity'), (n) =>
        n === null ? NaN : asNumber('quantity', n),
      ),
      value: Float64Array.from(lines.values('value'), (n) => (n === null ? NaN : asNumber('value', n))),
      basket: basketNumbers(lines),
    },
  };
}

/** The columns of a table over all its parts. */
interface Columns {
  readonly rows: number;
  values(column: string): Iterable<unknown>;
}

async function readTable(parts: readonly Part[], columns: readonly string[]): Promise<Columns> {
  const chunks = new Map<string, DecodedArray[]>(columns.map((column) => [column, []]));
  let rows = 0;
  for (const part of parts) {
    const bytes = await part.read();
    try {
      rows += await readPart(bytes, chunks);
    } catch (cause) {
      throw invalid(
        `${part.name} cannot be read (${cause instanceof Error ? cause.message : String(cause)})`,
        cause,
      );
    }
  }
  return {
    rows,
    values: (column) => (chunks.get(column) ?? []).flatMap((chunk) => Array.from<unknown>(chunk)),
  };
}

async function readPart(bytes: Uint8Array, chunks: ReadonlyMap<string, DecodedArray[]>): Promise<number> {
  const scan = await parquetScan({
    file: {
      byteLength: bytes.byteLength,
      // A copy of just the slice: hyparquet wants an ArrayBuffer of its own.
      slice: (start, end) => new Uint8Array(bytes.subarray(start, end)).buffer,
    },
    columns: [...chunks.keys()],
    compressors: { ZSTD: (input) => new Uint8Array(zstdDecompressSync(input)) },
    parsers: {
      timestampFromMilliseconds: (millis) => Number(millis),
      timestampFromMicroseconds: (micros) => Number(micros) / 1000,
      timestampFromNanoseconds: (nanos) => Number(nanos) / 1e6,
    },
  });
  let rows = 0;
  for (const { rowStart, rowEnd } of scan.ranges) {
    for (const [column, found] of chunks) found.push(await scan.readColumn({ column, rowStart, rowEnd }));
    rows += rowEnd - rowStart;
  }
  return rows;
}

/** `column` in the order of the ids, each of which must occur once. */
function byId<T>(table: Columns, column: string, convert: (value: unknown) => T, missing?: T): T[] {
  const values: (T | undefined)[] = Array.from({ length: table.rows }, () => undefined);
  const seen = new Uint8Array(table.rows);
  const cells = table.values(column)[Symbol.iterator]();
  for (const raw of table.values('id')) {
    const id = asNumber('id', raw);
    if (!(id >= 0 && id < table.rows) || seen[id] === 1)
      throw invalid(`the ids of ${table.rows} rows are not 0 … ${table.rows - 1}, each once: ${id} is not`);
    seen[id] = 1;
    const cell = cells.next();
    values[id] = convert(cell.done === true ? null : cell.value);
  }
  return values.map((value) => {
    if (value !== undefined) return value;
    if (missing !== undefined) return missing;
    throw invalid(`a row has no ${column}`);
  });
}

function basketNumbers(lines: Columns): Int32Array {
  const numbers = new Map<string, number>();
  return Int32Array.from(lines.values('basket'), (raw) => {
    const basket = asText(raw);
    if (basket === null) return -1;
    const known = numbers.get(basket);
    if (known !== undefined) return known;
    numbers.set(basket, numbers.size);
    return numbers.size - 1;
  });
}

function asNumber(column: string, value: unknown): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  throw invalid(`column ${column} holds ${value === null ? 'NULL' : typeof value} where a number belongs`);
}

function asText(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function asKey(value: unknown): string {
  if (typeof value === 'string') return value;
  throw invalid(`column key holds ${value === null ? 'NULL' : typeof value} where text belongs`);
}

function invalid(what: string, cause?: unknown): TerminalError {
  return new TerminalError('snapshot-invalid', `The snapshot cannot be used: ${what}.`, {
    remedy: 'Run the pipeline again from extraction.',
    cause,
  });
}
