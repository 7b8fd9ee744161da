import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { ROOT } from '#scripts/deployables';
import { useLocalCloud } from '#tests/local-cloud';

const NAME = 'tenants-api';
const FRAMEWORK = join(ROOT, 'node_modules/@google-cloud/functions-framework/build/src/main.js');

let out: string;
let deployed: ChildProcess;
let port: number;

beforeAll(async () => {
  mkdirSync(join(ROOT, '.tradewind'), { recursive: true });
  // Below the project's folder: the bundle finds the framework's copy there, as it finds the installed one when deployed.
  out = mkdtempSync(join(ROOT, '.tradewind', 'test-build-'));
  execFileSync(process.execPath, [join(ROOT, 'scripts/build.ts'), NAME, '--out', out], { stdio: 'pipe' });
  port = await freePort();
  deployed = spawn(
    process.execPath,
    [FRAMEWORK, `--target=${NAME}`, `--source=${join(out, NAME)}`, `--port=${port}`],
    { env: { ...process.env, ...useLocalCloud().env }, stdio: 'ignore' },
  );
  while (!(await answers(port))) {
    if (deployed.exitCode !== null) throw new Error(`the function ended with ${deployed.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
});
afterAll(async () => {
  if (deployed?.exitCode === null) {
    deployed.kill('SIGKILL');
    await once(deployed, 'exit');
  }
  rmSync(out, { recursive: true, force: true });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  server.close();
  return address.port;
}
function answers(at: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(at, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

const JSON_TYPE = { 'content-type': 'application/json' };
const zeros = (bytes: number) => Buffer.alloc(bytes, '0');
/** A body whose length nobody says before. */
const unannounced = (bytes: number) =>
  new ReadableStream({
    start(controller) {
      for (let sent = 0; sent < bytes; sent += 100_000) controller.enqueue(zeros(100_000));
      controller.close();
    },
  });

// The two ways a function runs: bundled under the framework's own command, and in the local functions host.
describe.each([
  ['deployed', () => `http://127.0.0.1:${port}`],
  ['in the local cloud', () => `http://127.0.0.1:${useLocalCloud().ports.functions}/${NAME}`],
] as const)('a function %s', (_, at) => {
  /** What the function says to nobody in particular: no sign-in goes along. */
  async function said(init: object): Promise<[status: number, type: string | null, code: unknown]> {
    const response = await fetch(`${at()}/api/tenants`, { method: 'POST', ...init });
    const body: unknown = await response.json();
    return [response.status, response.headers.get('content-type'), Object(body).code];
  }
  const problem = (status: number, code: string) => [
    status,
    expect.stringMatching(/^application\/problem\+json/),
    code,
  ];

  test.each(['gzip', 'deflate', 'br', 'x-gzip, gzip'])(
    'unpacks nothing: Content-Encoding %s',
    async (encoding) => {
      // 60 MB in 58 KB.
      const bomb = gzipSync(zeros(60_000_000), { level: 9 });
      const headers = { ...JSON_TYPE, 'content-encoding': encoding };
      expect(await said({ body: bomb, headers })).toEqual(problem(415, 'unsupported-media-type'));
    },
  );

  test('keeps nothing of a body that is too long, announced or not, whatever it says it is', async () => {
    for (const type of ['application/json', 'text/plain', 'application/x-www-form-urlencoded', 'image/png']) {
      const headers = { 'content-type': type };
      expect(await said({ body: zeros(1_000_001), headers })).toEqual(problem(413, 'too-large'));
    }
    const init = { body: unannounced(3_000_000), headers: JSON_TYPE, duplex: 'half' };
    expect(await said(init)).toEqual(problem(413, 'too-large'));
  });

  test.each(['{', '{"name":', 'null', '[1', '"\\ud800"', '\u0000'])(
    'answers %j like any other request',
    async (body) => {
      // Nobody is signed in, which is all that is said of it.
      expect(await said({ body, headers: JSON_TYPE })).toEqual(problem(401, 'unauthenticated'));
    },
  );
});

test('an event that holds no JSON is acknowledged, not answered with a page', async () => {
  const at = `http://127.0.0.1:${useLocalCloud().ports.functions}/control-plane-outbox`;
  const data = Buffer.from('{').toString('base64');
  const response = await fetch(at, {
    method: 'POST',
    body: JSON.stringify({
      message: { data, messageId: `m-${process.pid}-${Date.now()}` },
      subscription: 's',
    }),
    headers: JSON_TYPE,
  });
  expect(response.status).toBeLessThan(300);
});
