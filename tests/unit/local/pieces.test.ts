import { MAX_DELIVERIES } from '#core/events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readAccounts, writeAccounts } from '#scripts/local/auth/accounts';
import { deployableOfImage } from '#scripts/local/deployables';
import { findEmulators, javaMajor } from '#scripts/local/emulators';
import { newestExport, removeOldExports } from '#scripts/local/firestore/exports';
import { startGuardian } from '#scripts/local/guardian';
import { choosePorts } from '#scripts/local/ports';
import { planTopology } from '#scripts/local/pubsub-topology';
import { supervise } from '#scripts/local/supervise';

const folder = mkdtempSync(join(tmpdir(), 'tradewind-unit-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each([
  ['europe-west1-docker.pkg.dev/p/tradewind/etl-runner', 'etl-runner'],
  ['host:5000/etl-runner:v1', 'etl-runner'],
  ['a/b/etl-runner@sha256:00ff', 'etl-runner'],
])('the image %s holds %s', (image, name) => expect(deployableOfImage(image)).toBe(name));

test.each([
  ['openjdk version "17.0.15" 2025-04-15', 17],
  ['java version "1.8.0_392"', 8],
  ['openjdk version "25" 2025-09-16', 25],
  ['no java at all', null],
])('the Java version in %s', (text, major) => expect(javaMajor(text)).toBe(major));

test('an old Java is refused with the command that installs a newer one', async () => {
  const home = join(folder, 'java-11');
  mkdirSync(join(home, 'bin'), { recursive: true });
  writeFileSync(join(home, 'bin', 'java'), '#!/bin/sh\necho \'openjdk version "11.0.2"\' >&2\n', {
    mode: 0o755,
  });
  await expect(findEmulators({ ...process.env, JAVA_HOME: home })).rejects.toMatchObject({
    code: 'java-too-old',
    message: expect.stringContaining('11.0.2'),
    remedy: expect.stringContaining('openjdk-17-jre-headless'),
  });
});

test('a remembered port is taken again while it is free, another one otherwise', async () => {
  const first = await choosePorts(['a', 'b'], {});
  expect(first['a']).not.toBe(first['b']);
  expect(await choosePorts(['a', 'b'], first)).toEqual(first);
  const taken = createServer().listen(first['a'], '127.0.0.1');
  await once(taken, 'listening');
  const second = await choosePorts(['a', 'b'], first);
  taken.close();
  expect(second['a']).not.toBe(first['a']);
  expect(second['b']).toBe(first['b']);
});

test('every event has its topic, every function its subscription with back-off and dead letters', () => {
  const { topics, subscriptions } = planTopology('p', 'http://front', [
    { name: 'etl-start', topic: 'etl-requested', timeoutSeconds: 120 },
  ]);
  expect(topics).toEqual(expect.arrayContaining(['etl-requested', 'tick', 'dead-letter']));
  expect(subscriptions[0]).toEqual({
    name: 'eventarc-etl-start',
    body: {
      topic: 'projects/p/topics/etl-requested',
      ackDeadlineSeconds: 120,
      pushConfig: { pushEndpoint: 'http://front/etl-start' },
      retryPolicy: { minimumBackoff: '1s', maximumBackoff: '60s' },
      deadLetterPolicy: {
        deadLetterTopic: 'projects/p/topics/dead-letter',
        maxDeliveryAttempts: MAX_DELIVERIES,
      },
    },
  });
  // A dead letter that fails has nowhere to go.
  const [ofDead] = planTopology('p', 'http://front', [
    { name: 'dead', topic: 'dead-letter', timeoutSeconds: 5 },
  ]).subscriptions;
  expect(ofDead?.body).not.toHaveProperty('deadLetterPolicy');
  expect(ofDead?.body).toHaveProperty('ackDeadlineSeconds', 10);
});

test('the newest whole export is taken; half written and old ones are removed', () => {
  const dir = join(folder, 'exports');
  const make = (number: number, isWhole: boolean): string => {
    const name = `export-${String(number).padStart(9, '0')}`;
    mkdirSync(join(dir, name), { recursive: true });
    if (isWhole) writeFileSync(join(dir, name, `${name}.overall_export_metadata`), '');
    return join(dir, name, `${name}.overall_export_metadata`);
  };
  expect(newestExport(dir)).toBeNull();
  make(1, true);
  make(2, true);
  const third = make(3, true);
  make(4, false);
  expect(newestExport(dir)).toBe(third);
  removeOldExports(dir);
  expect(newestExport(dir)).toBe(third);
  rmSync(join(dir, 'export-000000003'), { recursive: true });
  expect(newestExport(dir)).toContain('export-000000002');
  rmSync(join(dir, 'export-000000002'), { recursive: true });
  expect(newestExport(dir)).toBeNull();
});

test('accounts come back as they were: maps, sets, sets within maps, plain values', () => {
  const dir = join(folder, 'accounts');
  const state = {
    projectId: 'p',
    users: new Map([['u1', { localId: 'u1', email: 'ann@example.com' }]]),
    localIdsForProviderEmail: new Map([['ann@example.com', new Set(['u1'])]]),
    pendingLocalIds: new Set(['u2']),
    _config: { signIn: { allowDuplicateEmails: false } },
  };
  writeAccounts(dir, state);
  const read = {
    projectId: 'other',
    users: new Map(),
    localIdsForProviderEmail: new Map(),
    pendingLocalIds: new Set(),
    _config: {},
  };
  readAccounts(dir, read);
  expect(read).toEqual({ ...state, projectId: 'other' });
});

test('a piece that cannot start is named, with how it ended, its last lines and its log', async () => {
  const guardian = startGuardian();
  const logFile = join(folder, 'unlucky.log');
  const piece = {
    name: 'unlucky',
    command: process.execPath,
    args: ['-e', 'console.error("no luck today"); process.exit(3)'],
    env: {},
    logFile,
    ready: 'announced' as const,
    endBy: 'SIGTERM' as const,
    graceMs: 100,
  };
  await expect(supervise(piece, guardian, () => undefined)).rejects.toMatchObject({
    code: 'piece-failed',
    message: expect.stringMatching(
      /^unlucky ended while starting \(exit code 3\)\. Its last lines:\nno luck today$/,
    ),
    remedy: `Read ${logFile}; then start again.`,
  });
  const missing = supervise({ ...piece, command: '/nowhere/program' }, guardian, () => undefined);
  await expect(missing).rejects.toThrow('ENOENT');
  await guardian.close();
});
