import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import type { Catalogue, Interactions } from '../../functions/recommender/data.ts';

/** Order lines of a CSV file in the layout of UCI Online Retail, cleaned as the product's data set would by default. */
export async function readOrderLines(
  path: string,
): Promise<{ interactions: Interactions; customers: Catalogue; items: Catalogue }> {
  const file = createReadStream(path);
  const input = path.endsWith('.gz') ? file.pipe(createGunzip()) : file;
  const rows: string[][] = [];
  let header: string[] | null = null;
  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    const fields = splitLine(line);
    if (header === null) header = fields;
    else rows.push(fields);
  }
  const at = (name: string) => {
    const column = header?.indexOf(name) ?? -1;
    if (column < 0)
      throw new Error(`${path} has no column "${name}"; this benchmark reads UCI Online Retail's layout`);
    return column;
  };
  const [invoice, code, name, quantity, date, price, customer] = [
    'InvoiceNo',
    'StockCode',
    'Description',
    'Quantity',
    'InvoiceDate',
    'UnitPrice',
    'CustomerID',
  ].map(at) as [number, number, number, number, number, number, number]; // one index per name above
  const seen = new Set<string>();
  const kept = rows.filter((row) => {
    const line = row.join('\u0000');
    const good =
      row[customer] !== '' && Number(row[quantity]) > 0 && /\d/.test(row[code] ?? '') && !seen.has(line);
    seen.add(line);
    return good;
  });
  const customers = makeIds();
  const items = makeIds();
  const baskets = makeIds();
  const interactions: Interactions = {
    customer: Int32Array.from(kept, (row) => customers.id(row[customer] ?? '')),
    item: Int32Array.from(kept, (row) => items.id(row[code] ?? '', row[name])),
    time: Float64Array.from(kept, (row) => Date.parse(`${(row[date] ?? '').replace(' ', 'T')}Z`)),
    quantity: Float64Array.from(kept, (row) => Number(row[quantity])),
    value: Float64Array.from(kept, (row) => Number(row[price]) * Number(row[quantity])),
    basket: Int32Array.from(kept, (row) => baskets.id(row[invoice] ?? '')),
  };
  return { interactions, customers: customers.catalogue, items: items.catalogue };
}

function makeIds() {
  const ids = new Map<string, number>();
  const keys: string[] = [];
  const names: (string | null)[] = [];
  const id = (key: string, name?: string) => {
    const known = ids.get(key);
    if (known !== undefined) return known;
    ids.set(key, keys.length);
    names.push(name ?? null);
    return keys.push(key) - 1;
  };
  return { id, catalogue: { keys, names } };
}

/** The fields of one line: commas, double quotes, no line breaks within fields. */
function splitLine(line: string): string[] {
  if (!line.includes('"')) return line.split(',');
  return [...line.matchAll(/("(?:[^"]|"")*"|[^,]*)(,|$)/g)]
    .slice(0, line.endsWith(',') ? undefined : -1)
    .map((match) => (match[1] ?? '').replace(/^"|"$/g, '').replaceAll('""', '"'));
}
