/** What clients ask: batches of SQL, and sp_executesql with parameters of text. Source: MS-TDS 2.2.6.6 and 2.2.6.7. */
import { PACKET, type Message } from './packets.ts';

export interface TdsRequest {
  readonly kind: 'batch' | 'procedure';
  readonly sql: string;
  readonly parameters: Readonly<Record<string, string | null>>;
}

const SP_EXECUTESQL = 10;
const NVARCHAR = 0xe7;

export function readRequest({ type, body }: Message): TdsRequest {
  // Headers first: their length counts itself.
  let at = body.readUInt32LE(0);
  if (type === PACKET.batch)
    return { kind: 'batch', sql: body.subarray(at).toString('utf16le'), parameters: {} };
  if (type !== PACKET.rpc) throw new Error(`a message of type ${type}`);
  if (body.readUInt16LE(at) !== 0xffff || body.readUInt16LE(at + 2) !== SP_EXECUTESQL)
    throw new Error('a procedure that is not sp_executesql');
  at += 6;
  const values: (readonly [name: string, value: string | null])[] = [];
  while (at < body.length) {
    const nameBytes = body[at]! * 2;
    const name = body.subarray(at + 1, at + 1 + nameBytes).toString('utf16le');
    at += 2 + nameBytes;
    if (body[at] !== NVARCHAR) throw new Error(`the parameter ${name} is of type ${body[at]}`);
    const longest = body.readUInt16LE(at + 1);
    at += 8;
    const read = longest === 0xffff ? readChunks(body, at) : readShort(body, at);
    values.push([name.replace(/^@/, ''), read.value]);
    at = read.end;
  }
  const [[, sql] = ['', null], , ...parameters] = values;
  return { kind: 'procedure', sql: sql ?? '', parameters: Object.fromEntries(parameters) };
}

interface ReadText {
  readonly value: string | null;
  readonly end: number;
}

function readShort(body: Buffer, at: number): ReadText {
  const length = body.readUInt16LE(at);
  if (length === 0xffff) return { value: null, end: at + 2 };
  return { value: body.subarray(at + 2, at + 2 + length).toString('utf16le'), end: at + 2 + length };
}

function readChunks(body: Buffer, start: number): ReadText {
  let at = start + 8;
  if (body.readBigUInt64LE(start) === 0xffffffffffffffffn) return { value: null, end: at };
  const parts: Buffer[] = [];
  for (let length = body.readUInt32LE(at); length > 0; length = body.readUInt32LE(at)) {
    parts.push(body.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return { value: Buffer.concat(parts).toString('utf16le'), end: at + 4 };
}
