import { Query, type Client } from 'pg';

/** A value of one column; null is SQL's NULL. Dates are written as ISO text. */
export type CopyValue = string | number | boolean | null;

/** The part of pg's connection that COPY needs; @types/pg leaves it out. */
interface CopyConnection {
  sendCopyFromChunk(chunk: Buffer): void;
  sendCopyFail(message: string): void;
  endCopyFrom(): void;
  readonly stream: NodeJS.WritableStream & { readonly writableLength: number };
}

const CHUNK = 256 * 1024;

/**
 * Writes `rows` into `table` (`columns` in their order) by COPY, PostgreSQL's bulk load, and answers how many.
 * Memory is bounded by the socket: rows are asked for as they are taken.
 *
 * @param table,columns SQL, as written by the programmer: never from outside.
 * @throws pg's DatabaseError when the server refuses a row; then none of the rows is there.
 */
export async function copyInto(
  client: Client,
  table: string,
  columns: readonly string[],
  rows: Iterable<readonly CopyValue[]>,
): Promise<number> {
  let count = 0;
  function* texts(): Generator<Buffer> {
    let text = '';
    for (const row of rows) {
      text += `${row.map(encode).join('\t')}\n`;
      count += 1;
      if (text.length <= CHUNK) continue;
      yield Buffer.from(text);
      text = '';
    }
    yield Buffer.from(text);
  }
  await copyFrom(client, `COPY ${table} (${columns.join(', ')}) FROM STDIN`, texts());
  return count;
}

/**
 * Runs `statement`, a `COPY … FROM STDIN`, on `chunks`, in whatever format it names.
 * @throws as `copyInto`
 */
export async function copyFrom(
  client: Client,
  statement: string,
  chunks: Iterable<Buffer> | AsyncIterable<Buffer>,
): Promise<void> {
  const query = new Query(statement);
  const done = new Promise<void>((resolve, reject) => {
    query.on('end', () => resolve());
    query.on('error', reject);
  });
  const send = async (connection: CopyConnection): Promise<void> => {
    for await (const chunk of chunks) {
      connection.sendCopyFromChunk(chunk);
      if (connection.stream.writableLength > 4 * CHUNK)
        await new Promise((resolve) => connection.stream.once('drain', resolve));
    }
    connection.endCopyFrom();
  };
  Object.assign(query, {
    handleCopyInResponse: (connection: CopyConnection): void => {
      // A generator that throws must not leave the server waiting: it is told, and answers with an error for `done`.
      send(connection).catch((error: unknown) => connection.sendCopyFail(String(error)));
    },
  });
  client.query(query);
  await done;
}

/** One value in COPY's text format. */
function encode(value: CopyValue): string {
  if (value === null) return '\\N';
  return String(value).replace(/[\\\t\n\r]/g, (sign) => ESCAPES[sign] ?? sign);
}
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };
