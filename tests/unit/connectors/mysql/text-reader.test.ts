import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import * as fc from 'fast-check';
import { toSourceError } from '#connectors/mysql/errors';
import { makeWire, type RowSink } from '#connectors/mysql/wire';
import { definition, EOF, failure, field, LAST_OK, lengthEncoded, OK, packet, packets, resultOf } from '#tests/mysql-packets'; // prettier-ignore

/** A connection whose other end is the test. */
function makeLink() {
  const written: Buffer[] = [];
  const stream = new Duplex({
    read: () => undefined,
    write: (bytes: Buffer, _, done) => {
      written.push(bytes);
      done();
    },
  });
  return { stream, wire: makeWire(stream as unknown as Socket), written }; // the wire uses what both have
}

function makeSink() {
  const rows: string[] = [];
  const sink: RowSink & { full: boolean; drained: number } = {
    full: false,
    drained: 0,
    columns: () => undefined,
    row: (bytes, start, end) => {
      rows.push(bytes.toString('hex', start, end));
      sink.full = rows.length % 3 === 0;
    },
    tooBig: (limit) => new Error(`a row over ${limit}`),
    drain: async () => {
      await new Promise((resolve) => setImmediate(resolve));
      sink.full = false;
      sink.drained++;
    },
  };
  return { sink, rows };
}
const never = new AbortController().signal;

test('rows are found however the network cuts them, with and without an EOF after the definitions', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.option(fc.uint8Array({ maxLength: 300 })), { minLength: 2, maxLength: 2 }), { maxLength: 20 }),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 }),
      fc.boolean(),
      async (rows, sizes, deprecateEof) => {
        const bytes = resultOf(['a', 'b'], rows, deprecateEof);
        const { stream, wire } = makeLink();
        const { sink, rows: found } = makeSink();
        const done = wire.read('SELECT', sink, never, 1000);
        for (let at = 0, turn = 0; at < bytes.length; turn++) {
          const size = sizes[turn % sizes.length] ?? 1;
          stream.push(bytes.subarray(at, at + size));
          at += size;
        }
        expect(await done).toBe(bytes.length);
        expect(found).toEqual(rows.map((row) => Buffer.concat(row.map(field)).toString('hex')));
        stream.destroy();
      },
    ),
    { numRuns: 200 },
  );
}); // prettier-ignore

test('one byte at a time', async () => {
  const bytes = resultOf(['id'], [['1'], [null], ['x'.repeat(251)], ['y'.repeat(70_000)]]);
  const { stream, wire } = makeLink();
  const done = wire.ask('SELECT');
  for (const byte of bytes) stream.push(Buffer.from([byte]));
  expect((await done).map(({ id }) => id?.length ?? null)).toEqual([1, null, 251, 70_000]);
});

test('a row that fills several packets is one', async () => {
  const value = Buffer.alloc(2 * 0xffffff - 9, 0x61);
  const bytes = resultOf(['v'], [['first'], [value], ['last']]);
  const { stream, wire } = makeLink();
  const lengths: number[] = [];
  const { sink } = makeSink();
  const taker = { ...sink, row: (_: Buffer, start: number, end: number) => void lengths.push(end - start) };
  const done = wire.read('SELECT', taker, never, 1000);
  for (let at = 0; at < bytes.length; at += 1_000_003) stream.push(bytes.subarray(at, at + 1_000_003));
  await done;
  // Nine bytes of length make the payload exactly two full packets, which an empty one ends.
  expect(lengths).toEqual([6, 2 * 0xffffff, 5]);
});

test('an error in the middle of the rows is the statement’s; the connection goes on', async () => {
  const { stream, wire, written } = makeLink();
  const broke = wire.ask('SELECT 1');
  stream.push(resultOf(['v'], [['1']], false, failure(1969, 'Query execution was interrupted')));
  await expect(broke).rejects.toMatchObject({ code: '1969', message: 'Query execution was interrupted' });
  const fine = wire.ask('SELECT 2');
  stream.push(resultOf(['v'], [['2']], true));
  expect(await fine).toEqual([{ v: '2' }]);
  const nothing = wire.ask('SET x');
  stream.push(packet(1, OK));
  expect(await nothing).toEqual([]);
  expect(written.map((bytes) => bytes.toString('latin1', 5))).toEqual(['SELECT 1', 'SELECT 2', 'SET x']);
});

/** What no server sends: the answer to `SELECT`. */
const hostile: readonly [what: string, bytes: Uint8Array, says: string][] = [
  ['a request for a file', packet(1, Buffer.from('\u00fb/etc/passwd', 'latin1')), 'a file of this machine'],
  ['an empty packet', packet(1, ''), 'an empty packet'],
  ['a packet out of its order', packet(7, OK), 'out of its order'],
  ['a million columns', packet(1, lengthEncoded(1_000_000)), '1000000 columns'],
  ['a count with something behind it', packet(1, Buffer.from([2, 2])), '2 columns'],
  ['a count that is cut off', packet(1, Buffer.from([0xfd, 1])), 'a length that is none'],
  ['a definition that is cut off', Buffer.concat([packet(1, Buffer.from([1])), packet(2, Buffer.from([3, 0x64]))]), 'a length that is none'],
  ['a name beyond its packet', Buffer.concat([packet(1, Buffer.from([1])), packet(2, Buffer.from([0, 0, 0, 0, 200, 1]))]), 'beyond its packet'],
  ['another result', packet(1, Buffer.from([0, 0, 0, 0x0a, 0, 0, 0])), 'two results'],
  ['another result after the rows', resultOf(['a'], [], false, Buffer.from([0xfe, 0, 0, 0x0a, 0])), 'two results'],
  ['an OK without a status', packet(1, Buffer.from([0, 0, 0])), 'without its status'],
  ['an error without a number', packet(1, Buffer.from([0xff, 1])), 'without a number'],
  ['a field beyond its row', Buffer.concat([resultOf(['a'], []).subarray(0, -9), packet(4, Buffer.from([200, 0x31]))]), 'beyond its packet'],
  ['a row of another width', resultOf(['a'], [['1', '2']]), 'more than 1 fields'],
  ['a row that is too short', resultOf(['a', 'b'], [['1']]), 'a length that is none'],
  ['a length beyond all bounds', Buffer.concat([resultOf(['a', 'b'], []).subarray(0, -9), packet(5, Buffer.from([1, 0x31, 0xfe, 255, 255, 255, 255, 255, 255, 255, 255, ...Buffer.alloc(8)]))]), 'beyond all bounds'],
  ['a definition of 16 MiB', Buffer.concat([packet(1, Buffer.from([1])), ...packets(2, Buffer.alloc(0xffffff + 5))]), 'columns were to be told'],
  ['bytes after the end', Buffer.concat([packet(1, OK), Buffer.from('more')]), ''],
]; // prettier-ignore

test.each(hostile)('%s ends the connection with what it was', async (_, bytes, says) => {
  const { stream, wire } = makeLink();
  stream.on('error', () => undefined);
  const asked = wire.ask('SELECT').then(
    () => 'answered',
    (error: unknown) => error,
  );
  stream.push(bytes);
  stream.push(null);
  const outcome = await asked;
  if (says !== '')
    expect(outcome).toMatchObject({ code: 'source-protocol', message: expect.stringContaining(says) });
  // Whatever it was: nothing more is asked of this server.
  await new Promise((resolve) => setImmediate(resolve));
  await expect(wire.ask('SELECT')).rejects.toBeInstanceOf(Error);
  expect(stream.destroyed).toBe(true);
});

test('anything at all is answered or refused, never waited for', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 8 }),
      fc.boolean(),
      async (payloads, framed) => {
        const bytes = framed
          ? Buffer.concat(payloads.map((payload, index) => packet(index + 1, payload)))
          : Buffer.concat(payloads);
        const { stream, wire } = makeLink();
        stream.on('error', () => undefined);
        const asked = wire.ask('SELECT').then(
          () => 'answered',
          () => 'refused',
        );
        stream.push(bytes);
        await new Promise((resolve) => setImmediate(resolve));
        stream.destroy();
        expect(['answered', 'refused']).toContain(await asked);
      },
    ),
    { numRuns: 500 },
  );
});

test('a row without an end is given up before it fills the memory', async () => {
  const { stream, wire } = makeLink();
  stream.on('error', () => undefined);
  const { sink } = makeSink();
  const reading = wire.read('SELECT', sink, never, 20_000).catch((error: unknown) => error);
  stream.push(Buffer.concat([packet(1, lengthEncoded(1)), packet(2, definition('v')), packet(3, EOF)]));
  const part = Buffer.alloc(0xffffff);
  for (let sequence = 4; sequence < 24 && !stream.destroyed; sequence++) {
    stream.push(packet(sequence, part));
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await reading).toMatchObject({ message: 'a row over 268435456' });
  // That was about one statement; the next one only finds the connection gone.
  const next: unknown = await wire.ask('SELECT').catch((error: unknown) => error);
  expect(next).toMatchObject({ message: 'the connection was closed after an earlier failure' });
  expect(toSourceError(next, { host: 'h', port: 1, database: 'd', user: 'u' })).toMatchObject({
    name: 'TransientError',
    code: 'connection-lost',
  });
});

test('a server that sends nothing is given up; a sink that rests is waited for', async () => {
  const { stream, wire } = makeLink();
  stream.on('error', () => undefined);
  let release = (): void => undefined;
  const drained = new Promise<void>((resolve) => {
    release = resolve;
  });
  const sink: RowSink & { full: boolean } = {
    full: false,
    columns: () => undefined,
    row: () => {
      sink.full = true;
    },
    tooBig: (limit) => new Error(`a row over ${limit}`),
    drain: async () => {
      await drained;
      sink.full = false;
    },
  };
  const ended = wire.read('SELECT', sink, never, 40).catch((error: unknown) => error);
  stream.push(resultOf(['v'], [['1']]).subarray(0, -9));
  // The sink rests for longer than the server may.
  await new Promise((resolve) => setTimeout(resolve, 120));
  expect(stream.destroyed).toBe(false);
  release();
  expect(await ended).toMatchObject({ message: 'it sent nothing for 0.04 seconds' });
  expect(stream.destroyed).toBe(true);
});

test('stops at an abort, with its reason', async () => {
  const { stream, wire } = makeLink();
  stream.on('error', () => undefined);
  const controller = new AbortController();
  const reading = wire.read('SELECT', makeSink().sink, controller.signal, 1000);
  controller.abort(new Error('cancelled'));
  await expect(reading).rejects.toThrow('cancelled');
  expect(stream.destroyed).toBe(true);
});

test('why a server ended the connection is told to who asks next', async () => {
  const { stream, wire } = makeLink();
  stream.on('error', () => undefined);
  stream.push(packet(0, failure(1927, 'Connection was killed')));
  await new Promise((resolve) => setImmediate(resolve));
  await expect(wire.ask('SELECT')).rejects.toMatchObject({ code: '1927' });
});

test('the end of rows is told by its own length', async () => {
  const { stream, wire } = makeLink();
  const empty = wire.ask('SELECT');
  stream.push(Buffer.concat([packet(1, lengthEncoded(1)), packet(2, definition('v')), packet(3, LAST_OK)]));
  expect(await empty).toEqual([]);
});
