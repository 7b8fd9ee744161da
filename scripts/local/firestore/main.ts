/**
 * Google's Firestore emulator, made to remember: the emulator keeps everything in memory and (in 1.19.9) ignores
 * `--export-on-exit`, so this process exports it every half minute and when asked to end, and imports the newest whole export
 * at the start. What a `kill -9` of this very process can lose is the last half minute.
 */
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { announceReady, onShutdown, pieceArguments } from '../announce.ts';
import { exportTo, newestExport, removeOldExports } from './exports.ts';

const EXPORT_EVERY_MS = 30_000;
const { java, jar, port, dir, rules, project } = pieceArguments(
  'java',
  'jar',
  'port',
  'dir',
  'rules',
  'project',
);
const origin = `http://127.0.0.1:${port}`;

const seed = newestExport(dir);
const JVM = ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto', '-Duser.language=en'];
const MAIN_CLASS = 'com.google.cloud.datastore.emulator.firestore.CloudFirestore';
const options = [
  '--host=127.0.0.1',
  `--port=${port}`,
  ...(rules === '' ? [] : [`--rules=${rules}`]),
  ...(seed === null ? [] : [`--seed_from_export=${seed}`]),
];
const emulator = spawn(java, [...JVM, '-cp', jar, MAIN_CLASS, ...options], {
  stdio: ['ignore', 'inherit', 'inherit'],
});
emulator.on('exit', (code) => process.exit(code === 0 || code === null ? 1 : code));

for (;;) {
  const answers = await fetch(origin).then(
    (response) => response.ok,
    () => false,
  );
  if (answers) break;
  await sleep(20);
}

// One export at a time: a second one asked for meanwhile waits for the first.
let exporting: Promise<void> = Promise.resolve();
const save = (): Promise<void> =>
  (exporting = exporting.then(() => exportTo(dir, origin, project)).then(() => removeOldExports(dir)));
setInterval(
  () => void save().catch((error: unknown) => console.error('export failed', error)),
  EXPORT_EVERY_MS,
).unref();

onShutdown(async () => {
  await save().catch((error: unknown) => console.error('export failed', error));
  emulator.removeAllListeners('exit');
  const gone = new Promise((resolve) => emulator.once('exit', resolve));
  emulator.kill('SIGKILL'); // everything is on disk; its orderly end would take 0.3 s
  await gone;
});
announceReady({ port: Number(port), seed });
