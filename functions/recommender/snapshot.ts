import type { DecodedArray } from 'hyparquet';
import { makeBasketNumbers, type BasketNumbers } from './basket-numbers.ts';
import type { Catalogue, Interactions } from './data.ts';
import { hasColumn, invalid, openParts, readColumns, type Part } from './snapshot-parts.ts';

/*
 * The snapshot as the vocabulary stage exports it: Parquet, each table in any number of part files, rows in any order.
 *
 *   customers     id INT64 (dense, from 0)   key STRING   name STRING?   segment STRING?
 *   items         id INT64 (dense, from 0)   key STRING   name STRING?   category STRING?   brand STRING?
 *   interactions  customer INT64   item INT64   time TIMESTAMP   quantity FLOAT64   value FLOAT64?   basket INT64? or STRING?
 *
 * A basket is told by a hash of its key; earlier snapshots have the key itself, and neither segments nor brands.
 */

export interface Snapshot {
  readonly customers: Catalogue;
  readonly items: Catalogue;
  /** On shared memory, 28 bytes a line. */
  readonly interactions: Interactions;
}

/**
 * Reads all parts into arrays that are as long as the footers say. Beside them there are in memory one row group
 * (`readColumns`) and the numbers of baskets (20 to 40 bytes each). TerminalError `snapshot-invalid` names the file and
 * column where a part is no Parquet, a column is missing or of another type, or ids are not dense.
 */
export async function readSnapshot(parts: {
  customers: readonly Part[];
  items: readonly Part[];
  interactions: readonly Part[];
}): Promise<Snapshot> {
  const customers = await readCatalogue(parts.customers, ['name'], 'segment');
  const items = await readCatalogue(parts.items, ['name', 'category'], 'brand');
  return {
    customers: {
      keys: customers.keys,
      names: customers.texts[0]!,
      ...(customers.later ? { segments: customers.later } : {}),
    },
    items: {
      keys: items.keys,
      names: items.texts[0]!,
      categories: items.texts[1]!,
      ...(items.later ? { brands: items.later } : {}),
    },
    interactions: await readInteractions(parts.interactions),
  };
}

/** `later`: a column that earlier snapshots lack; given back where the parts have it and any row says something. */
async function readCatalogue(
  parts: readonly Part[],
  always: readonly string[],
  later: string,
): Promise<{ keys: string[]; texts: (string | null)[][]; later: (string | null)[] | null }> {
  const opened = await openParts(parts);
  const hasLater = opened.length > 0 && opened.every((part) => hasColumn(part, later));
  const columns = hasLater ? [...always, later] : always;
  const rows = opened.reduce((sum, part) => sum + part.rows, 0);
  const keys = Array.from<string>({ length: rows }).fill('');
  const texts = columns.map(() => Array.from<string | null>({ length: rows }).fill(null));
  const seen = new Uint8Array(rows);
  for (const part of opened) {
    const ids = new Int32Array(part.rows);
    await readColumns(part, ['id', 'key', ...columns], (column, values, first) => {
      if (column === 'id') {
        copyIntegers('id', values, ids, first);
        requireDense(ids.subarray(first, first + values.length), seen);
      } else if (column === 'key')
        for (let n = 0; n < values.length; n++) keys[ids[first + n]!] = asKey(values[n]);
      else {
        const into = texts[columns.indexOf(column)]!;
        for (let n = 0; n < values.length; n++) into[ids[first + n]!] = asText(values[n]);
      }
    });
  }
  const found = hasLater ? texts.at(-1)! : [];
  return { keys, texts, later: found.some((text) => text !== null) ? found : null };
}

function requireDense(ids: Int32Array, seen: Uint8Array): void {
  for (const id of ids) {
    if (!(id >= 0 && id < seen.length) || seen[id] === 1)
      throw invalid(`the ids of ${seen.length} rows are not 0 … ${seen.length - 1}, each once: ${id} is not`);
    seen[id] = 1;
  }
}

const LINE_COLUMNS = ['customer', 'item', 'time', 'quantity', 'value', 'basket'] as const;

async function readInteractions(parts: readonly Part[]): Promise<Interactions> {
  const opened = await openParts(parts);
  const rows = opened.reduce((sum, part) => sum + part.rows, 0);
  const lines = {
    customer: new Int32Array(new SharedArrayBuffer(4 * rows)),
    item: new Int32Array(new SharedArrayBuffer(4 * rows)),
    time: new Float64Array(new SharedArrayBuffer(8 * rows)),
    quantity: new Float32Array(new SharedArrayBuffer(4 * rows)),
    value: new Float32Array(new SharedArrayBuffer(4 * rows)),
    basket: new Int32Array(new SharedArrayBuffer(4 * rows)),
  };
  const baskets = makeBasketNumbers();
  let before = 0;
  for (const part of opened) {
    const start = before;
    await readColumns(part, LINE_COLUMNS, (column, values, first) => {
      const at = start + first;
      if (column === 'customer' || column === 'item') copyIntegers(column, values, lines[column], at);
      else if (column === 'basket') copyBaskets(values, lines.basket, at, baskets);
      else if (column === 'time') copyNumbers(column, values, lines.time, at, null);
      else copyNumbers(column, values, column === 'value' ? lines.value : lines.quantity, at, NaN);
    });
    before += part.rows;
  }
  return lines;
}

/** Which half of a 64-bit number comes first in this machine's memory. */
const LOW = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 0 : 1;

function copyIntegers(column: string, values: DecodedArray, into: Int32Array, at: number): void {
  // Two halves of 32 bits, without a BigInt for each.
  if (values instanceof BigInt64Array) {
    const halves = new Int32Array(values.buffer, values.byteOffset, 2 * values.length);
    for (let n = 0; n < values.length; n++) {
      const low = halves[2 * n + LOW]!;
      if (halves[2 * n + 1 - LOW]! !== low >> 31)
        throw invalid(`column ${column} holds ${values[n]}, no dense id`);
      into[at + n] = low;
    }
    return;
  }
  for (let n = 0; n < values.length; n++) {
    const id = asNumber(column, values[n]);
    // What an Int32Array would cut off or turn round is said, not stored.
    if (id !== (id | 0)) throw invalid(`column ${column} holds ${id}, no dense id`);
    into[at + n] = id;
  }
}

/** `missing` stands for NULL; null: there must be none. */
function copyNumbers(
  column: string,
  values: DecodedArray,
  into: Float32Array | Float64Array,
  at: number,
  missing: number | null,
): void {
  if (values instanceof Float64Array) {
    into.set(values, at);
    return;
  }
  for (let n = 0; n < values.length; n++) {
    const value: unknown = values[n];
    into[at + n] =
      missing !== null && (value === null || value === undefined) ? missing : asNumber(column, value);
  }
}

function copyBaskets(values: DecodedArray, into: Int32Array, at: number, numbers: BasketNumbers): void {
  if (values instanceof BigInt64Array) {
    const halves = new Int32Array(values.buffer, values.byteOffset, 2 * values.length);
    for (let n = 0; n < values.length; n++)
      into[at + n] = numbers.ofHash(halves[2 * n + LOW]!, halves[2 * n + 1 - LOW]!);
    return;
  }
  for (let n = 0; n < values.length; n++) {
    const value: unknown = values[n];
    if (typeof value === 'bigint')
      into[at + n] = numbers.ofHash(
        Number(BigInt.asIntN(32, value)),
        Number(BigInt.asIntN(32, value >> 32n)),
      );
    else {
      const text = asText(value);
      into[at + n] = text === null ? -1 : numbers.ofText(text);
    }
  }
}

function asNumber(column: string, value: unknown): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  const found = value === null || value === undefined ? 'NULL' : typeof value;
  throw invalid(`column ${column} holds ${found} where a number belongs`);
}

function asText(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function asKey(value: unknown): string {
  if (typeof value === 'string') return value;
  const found = value === null || value === undefined ? 'NULL' : typeof value;
  throw invalid(`column key holds ${found} where text belongs`);
}
