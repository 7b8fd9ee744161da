import { TerminalError, TransientError } from '#core/errors';
import { ofOneVersion } from '#store/source-access';

async function* broken(error: Error): AsyncIterable<Uint8Array> {
  yield new Uint8Array([1]);
  throw error;
}

async function readOf(error: Error): Promise<unknown> {
  const read = async () => {
    for await (const chunk of ofOneVersion('gs://b/orders.csv', broken(error))) expect(chunk).toHaveLength(1);
  };
  return read().catch((thrown: unknown) => thrown);
}

test('a file that is replaced while it is read is no file that is missing: what reads it begins anew', async () => {
  const gone = await readOf(new TerminalError('object-missing', 'There is no object.', {}));
  expect(gone).toBeInstanceOf(TransientError);
  expect(gone).toMatchObject({
    code: 'object-changed',
    message: expect.stringContaining('gs://b/orders.csv'),
  });
});

test('any other trouble stays what it is', async () => {
  const trouble = new TransientError('storage-unavailable', 'Cloud Storage did not answer.', {});
  expect(await readOf(trouble)).toBe(trouble);
});
