/** `node scripts/local/storage/main.ts --dir D [--port P] [--project ID]`: serves until stdin closes. */
import { parseArgs } from 'node:util';
import { onShutdown } from '../announce.ts';
import { startLocalStorage } from './server.ts';

const { values } = parseArgs({
  options: { dir: { type: 'string' }, port: { type: 'string' }, project: { type: 'string' } },
});
if (values.dir === undefined) {
  console.error(
    'local storage: --dir is missing; give the folder that keeps the objects, e.g. --dir .tradewind/storage',
  );
  process.exit(2);
}
const storage = await startLocalStorage({
  dir: values.dir,
  port: Number(values.port ?? 0),
  ...(values.project === undefined ? {} : { projectId: values.project }),
});
console.log(
  `READY ${JSON.stringify({ url: storage.url, port: storage.port, credentials: storage.credentialsFile })}`,
);
// The parent holds the other end of stdin: when it dies, however it dies, this process ends too.
process.stdin.resume();
process.stdin.on('close', () => process.kill(process.pid, 'SIGTERM'));
onShutdown(() => storage.close());
