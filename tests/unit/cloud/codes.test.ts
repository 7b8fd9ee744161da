/** Google's refusals, given at the wire. */
import { once } from 'node:events';
import { createServer, type Http2Server, type ServerHttp2Session } from 'node:http2';
import { invokerHeaders } from '#cloud/auth';
import { openContainerPlatform } from '#cloud/run';
import { openTrainingPlatform } from '#cloud/vertex';

/** A gRPC server that answers every call with one status, as NOT_FOUND (5) or PERMISSION_DENIED (7). */
async function refusing(status: number): Promise<{ endpoint: string; close: () => void }> {
  const sessions = new Set<ServerHttp2Session>();
  const server: Http2Server = createServer();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream) => {
    stream.respond(
      {
        ':status': 200,
        'content-type': 'application/grpc',
        'grpc-status': String(status),
        'grpc-message': 'no',
      },
      { endStream: true },
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    close() {
      for (const session of sessions) session.destroy();
      server.close();
    },
  };
}
const place = { projectId: 'p', location: 'europe-west1' };

test('a job of Cloud Run that was never deployed is named', async () => {
  const { endpoint, close } = await refusing(5);
  const platform = openContainerPlatform({ ...place, endpoints: { run: endpoint } });
  try {
    await expect(platform.startJob('etl-runner', { env: {} })).rejects.toMatchObject({
      name: 'TerminalError',
      code: 'container-missing',
      message: expect.stringContaining('etl-runner'),
    });
    // Refused here, before Cloud Run is asked.
    const shares = [
      { revision: 'a', percent: 60 },
      { revision: 'b', percent: 50 },
    ];
    await expect(platform.direct('tw-m', shares, { tag: 'next', revision: 'b' })).rejects.toMatchObject({
      code: 'traffic-invalid',
      message: expect.stringContaining('110 percent'),
    });
  } finally {
    close();
  }
});

test('a training that Vertex AI does not take is not asked for again', async () => {
  const { endpoint, close } = await refusing(7);
  const vertex = openTrainingPlatform({ ...place, endpoints: { aiplatform: endpoint } });
  try {
    await expect(vertex.find('tw-rabc-1')).rejects.toMatchObject({
      name: 'TerminalError',
      code: 'training-refused',
      message: expect.stringContaining('tw-rabc-1'),
    });
  } finally {
    close();
  }
});

test('without an identity no service is called', async () => {
  const before = process.env['GOOGLE_APPLICATION_CREDENTIALS'];
  process.env['GOOGLE_APPLICATION_CREDENTIALS'] = '/nowhere/key.json';
  try {
    await expect(invokerHeaders('https://service.example/path')).rejects.toMatchObject({
      name: 'TransientError',
      code: 'identity-unavailable',
      message: expect.stringContaining('https://service.example'),
    });
  } finally {
    if (before === undefined) delete process.env['GOOGLE_APPLICATION_CREDENTIALS'];
    else process.env['GOOGLE_APPLICATION_CREDENTIALS'] = before;
  }
});
