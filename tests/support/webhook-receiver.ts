/** A server that takes webhooks over TLS on a free loopback port. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';

/** A call as it came. */
export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface Receiver {
  readonly port: number;
  readonly ca: string;
  readonly got: Received[];
  /** What the next calls are answered with, in order; 200 where nothing is left. */
  readonly answers: (number | 'silent')[];
  close(): Promise<void>;
}

const FIXTURES = join(import.meta.dirname, 'fixtures/tls');

export async function startReceiver(): Promise<Receiver> {
  const ca = readFileSync(join(FIXTURES, 'localhost.crt'), 'utf8');
  const key = readFileSync(join(FIXTURES, 'localhost.key'));
  const got: Received[] = [];
  const answers: Receiver['answers'] = [];
  const server = createServer({ cert: ca, key }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      got.push({
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        body,
      });
      const status = answers.shift() ?? 200;
      if (status === 'silent') return;
      response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {}).end('ok');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    ca,
    got,
    answers,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
