import { PassThrough } from 'node:stream';
import * as fc from 'fast-check';
import type { Client, Submittable } from 'pg';
import { readCopy, type FrameSink } from '#connectors/postgres/copy-reader';

function message(code: string, body: Uint8Array | string): Buffer {
  const bytes = Buffer.from(body);
  const head = Buffer.alloc(5);
  head.write(code, 'latin1');
  head.writeUInt32BE(bytes.length + 4, 1);
  return Buffer.concat([head, bytes]);
}

/** A client whose socket is a plain stream; what is given back to it is kept, and ends the query as `pg` would. */
function makeFakeClient() {
  const stream = new PassThrough();
  const givenBack: Buffer[] = [];
  let query: (Submittable & { handleReadyForQuery(): void }) | null = null;
  stream.on('data', (bytes: Buffer) => {
    givenBack.push(Buffer.from(bytes));
    if (Buffer.concat(givenBack).includes(message('Z', 'I'))) query?.handleReadyForQuery();
  });
  const client = {
    query(submittable: Submittable & { handleReadyForQuery(): void }) {
      query = submittable;
      // The two members that the reader uses.
      submittable.submit({ stream, query: () => undefined } as never);
    },
  };
  return { client: client as unknown as Client, stream, givenBack }; // only `query` is called
}

function makeSink() {
  const frames: Buffer[] = [];
  const sink: FrameSink & { full: boolean; drained: number } = {
    full: false,
    drained: 0,
    frame: (bytes, start, end) => {
      frames.push(Buffer.from(bytes.subarray(start, end)));
      sink.full = frames.length % 3 === 0;
    },
    drain: async () => {
      await new Promise((resolve) => setImmediate(resolve));
      sink.full = false;
      sink.drained++;
    },
  };
  return { sink, frames };
}

describe('messages of a COPY', () => {
  test('are found however the network cuts them, and what follows goes back', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 20 }),
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 20 }),
        async (bodies, sizes) => {
          const rest = Buffer.concat([message('C', 'COPY 1\0'), message('Z', 'I')]);
          const bytes = Buffer.concat([
            message('H', '\u0001\0\0'),
            ...bodies.flatMap((body, i) => [
              message('d', body),
              ...(i % 4 === 3 ? [message('N', 'notice')] : []),
            ]),
            message('c', ''),
            rest,
          ]);
          const { client, stream, givenBack } = makeFakeClient();
          const { sink, frames } = makeSink();
          const done = readCopy(client, 'COPY', sink, new AbortController().signal);
          for (let at = 0, turn = 0; at < bytes.length; turn++) {
            const size = sizes[turn % sizes.length] ?? 1;
            stream.write(bytes.subarray(at, at + size));
            at += size;
          }
          await done;
          expect(frames.map((frame) => frame.toString('hex'))).toEqual(
            bodies.map((body) => Buffer.from(body).toString('hex')),
          );
          expect(Buffer.concat(givenBack)).toEqual(rest);
          stream.destroy();
        },
      ),
      { numRuns: 200 },
    );
  });

  test('that never end leave others their turn', async () => {
    const { client, stream, givenBack } = makeFakeClient();
    let frames = 0;
    let turns = 0;
    let over = false;
    const count = (): void => {
      turns++;
      if (!over) setImmediate(count);
    };
    const sink = { frame: () => void frames++, full: false, drain: async () => undefined };
    const done = readCopy(client, 'COPY', sink, new AbortController().signal);
    setImmediate(count);
    const buffer = Buffer.concat(Array.from({ length: 64 }, () => message('d', Buffer.alloc(1000))));
    // As a socket does that is never empty: the next buffer is there when the former has been taken.
    for (let n = 0; n < 80; n++) stream.write(buffer);
    stream.write(Buffer.concat([message('c', ''), message('Z', 'I')]));
    await done;
    over = true;
    expect(frames).toBe(80 * 64);
    // 5 MB in turns of 256 KiB.
    expect(turns).toBeGreaterThanOrEqual(10);
    expect(Buffer.concat(givenBack)).toEqual(message('Z', 'I'));
    stream.destroy();
  });

  test('of an impossible length end the reading', async () => {
    const { client, stream } = makeFakeClient();
    stream.on('error', () => undefined);
    const done = readCopy(client, 'COPY', makeSink().sink, new AbortController().signal);
    stream.write(Buffer.from([0x64, 0xff, 0xff, 0xff, 0xff]));
    await expect(done).rejects.toThrow('4294967295 bytes');
    expect(stream.destroyed).toBe(true);
  });

  test('that do not come end the reading; a sink that rests does not', async () => {
    const { client, stream } = makeFakeClient();
    stream.on('error', () => undefined);
    let release = (): void => undefined;
    const drained = new Promise<void>((resolve) => {
      release = resolve;
    });
    let drains = 0;
    const sink: FrameSink & { full: boolean } = {
      full: false,
      frame: () => {
        sink.full = true;
      },
      drain: async () => {
        drains++;
        await drained;
        sink.full = false;
      },
    };
    const done = readCopy(client, 'COPY', sink, new AbortController().signal, 40);
    const ended = done.catch((error: unknown) => error);
    stream.write(message('d', 'row'));
    // The sink rests for longer than the server may.
    await new Promise((resolve) => setTimeout(resolve, 120));
    expect(stream.destroyed).toBe(false);
    release();
    expect(await ended).toMatchObject({ message: 'it sent nothing for 0.04 seconds' });
    expect(drains).toBe(1);
    expect(stream.destroyed).toBe(true);
  });

  test('stop at an abort, with its reason', async () => {
    const { client, stream } = makeFakeClient();
    const controller = new AbortController();
    const done = readCopy(client, 'COPY', makeSink().sink, controller.signal);
    controller.abort(new Error('cancelled'));
    await expect(done).rejects.toThrow('cancelled');
    expect(stream.destroyed).toBe(true);
  });
});
