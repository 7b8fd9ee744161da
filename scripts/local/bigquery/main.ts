/** `node scripts/local/bigquery/main.ts --dir D --storage-dir S [--port P] [--project ID]`: serves until stdin closes. */
import { parseArgs } from 'node:util';
import { onShutdown } from '../announce.ts';
import { startLocalBigQuery } from './server.ts';

const { values } = parseArgs({
  options: {
    dir: { type: 'string' },
    'storage-dir': { type: 'string' },
    port: { type: 'string' },
    project: { type: 'string' },
  },
});
if (values.dir === undefined || values['storage-dir'] === undefined) {
  console.error(
    'local BigQuery: --dir (its own files) and --storage-dir (the --dir of the local Cloud Storage) must be given',
  );
  process.exit(2);
}
const bigQuery = await startLocalBigQuery({
  dir: values.dir,
  storageDir: values['storage-dir'],
  port: Number(values.port ?? 0),
  ...(values.project === undefined ? {} : { projectId: values.project }),
});
console.log(`READY ${JSON.stringify({ url: bigQuery.url, port: bigQuery.port })}`);
// The parent holds the other end of stdin: when it dies, however it dies, this process ends too.
process.stdin.resume();
process.stdin.on('close', () => process.kill(process.pid, 'SIGTERM'));
onShutdown(() => bigQuery.close());
