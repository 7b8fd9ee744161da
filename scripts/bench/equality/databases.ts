/** Databases that have read the order lines by themselves: text becomes numbers and moments by their own casts. */
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { createConnection } from 'mysql2/promise';
import { Client } from 'pg';
import { copyFrom } from '#scripts/demo/copy-in';
import { type OrderColumn, typeIn } from './columns.ts';

/** The text of the file, unpacked. */
export function openText(file: string): Readable {
  const bytes = createReadStream(file);
  return file.endsWith('.gz') ? bytes.pipe(createGunzip()) : bytes;
}

/** Makes the table `orders` at the PostgreSQL server by its own COPY. */
export async function fillPostgres(
  url: string,
  file: string,
  columns: readonly OrderColumn[],
): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const quoted = columns.map(({ name }) => `"${name}"`);
    await client.query(`CREATE TEMP TABLE lines (${quoted.map((name) => `${name} text`).join(', ')})`);
    await copyFrom(client, 'COPY lines FROM STDIN WITH (FORMAT csv, HEADER true)', openText(file));
    await client.query(
      `CREATE TABLE orders (${columns.map(({ type }, i) => `${quoted[i]} ${type}`).join(', ')})`,
    );
    const casts = columns.map(({ type }, i) =>
      /int|numeric/.test(type) ? `${quoted[i]}::numeric::${type}` : `${quoted[i]}::${type}`,
    );
    await client.query(`INSERT INTO orders SELECT ${casts.join(', ')} FROM lines`);
  } finally {
    await client.end();
  }
}

/** Makes the table `orders` in the MariaDB's database `shop` by its own LOAD DATA. An empty field is no value. */
export async function fillMariadb(
  port: number,
  file: string,
  columns: readonly OrderColumn[],
): Promise<void> {
  const client = await createConnection({
    host: '127.0.0.1',
    port,
    user: 'owner',
    password: 'owner secret',
    database: 'shop',
    infileStreamFactory: () => openText(file),
  });
  try {
    const quoted = columns.map(({ name }) => `\`${name}\``);
    await client.query(
      `CREATE TABLE orders (${columns.map((column, i) => `${quoted[i]} ${typeIn('mariadb', column)}`).join(', ')}) CHARACTER SET utf8mb4`,
    );
    const last = columns.length - 1;
    const values = columns.map((_, i) => (i === last ? `TRIM(TRAILING '\\r' FROM @c${i})` : `@c${i}`));
    await client.query(
      `LOAD DATA LOCAL INFILE 'lines' INTO TABLE orders CHARACTER SET utf8mb4
       FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '"' ESCAPED BY '' LINES TERMINATED BY '\\n' IGNORE 1 LINES
       (${columns.map((_, i) => `@c${i}`).join(', ')})
       SET ${columns.map((_, i) => `${quoted[i]} = NULLIF(${values[i]}, '')`).join(', ')}`,
    );
  } finally {
    await client.end();
  }
}
