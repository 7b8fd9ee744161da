import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import type { Files } from '#cloud/storage';
import type { TrainerEnv } from '#core/container-env';
import { TerminalError, toError, toFailure } from '#core/errors';
import { announce } from '#core/events';
import { paths } from '#core/paths';
import { Tenant } from '#core/tenant';
import { trainingFiles, TrainingRequest, TrainingResult } from '#core/training-result';
import type { CheckpointStore } from '#recommender/journal';
import { offlineLists } from '#recommender/offline-lists';
import { openRecommender } from '#recommender/recommend';
import { readSnapshot } from '#recommender/snapshot';
import type { Part } from '#recommender/snapshot-parts';
import { train } from '#recommender/train';
import type { JobContext } from '#runtime/job';
import { type Log, makeLog } from '#runtime/log';
import { mustRead } from '#store/document';
import { openRunLog } from '#store/run-log';
import { commitChange } from '#store/store';
import { writeBatchLists } from './batch-lists.ts';
import { writeSignalTables } from './signal-tables.ts';
import { versionIdOf } from './version-id.ts';

type AttemptFiles = ReturnType<typeof trainingFiles>;

/**
 * Trains one attempt of a run and leaves its files, `result.json` last; then `training-finished` is announced. Started
 * twice, it finds the result and only announces again; killed on the way, it leaves a checkpoint, from which the same
 * attempt started again goes on, and no result; the next attempt has a folder of its own, so no lease is needed. TerminalErrors become a failed result; any other error is rethrown, and
 * the platform's verdict on the container tells the watchdog.
 */
export async function trainRun(context: JobContext, files: Files, env: TrainerEnv): Promise<void> {
  const { store } = context;
  const { TRADEWIND_TENANT: tenant, TRADEWIND_MODEL: model, TRADEWIND_RUN: run } = env;
  const attempt = env.TRADEWIND_ATTEMPT;
  const owner = await mustRead(store, paths.tenant(tenant), Tenant, 'tenant');
  const at = trainingFiles(owner.value.cloud.bucket, tenant, model, run, attempt);
  const runPath = paths.pipelineRun(tenant, model, run);
  const kept = openRunLog(store, runPath, `trainer-${attempt}`);
  const log = both(
    context.log,
    makeLog('trainer', store.clock, (line) => kept.write(line)),
  );
  try {
    if ((await files.stat(at.result)) === null) {
      const result = await attemptTraining(context, files, at, log, runPath, versionIdOf(run));
      await saveJson(files, at.result, TrainingResult.parse(result));
    }
    await commitChange(store, {
      writes: [],
      announcements: [announce('training-finished', { tenant, model, run })],
    });
  } catch (error) {
    log.error('training broke off', { error: toError(error).message });
    throw error;
  } finally {
    await kept.close();
  }
}

async function attemptTraining(
  context: JobContext,
  files: Files,
  at: AttemptFiles,
  log: Log,
  runPath: string,
  version: string,
): Promise<TrainingResult> {
  try {
    return await fit(context, files, at, log, runPath, version);
  } catch (error) {
    if (!(error instanceof TerminalError)) throw error;
    log.error(error.message, { code: error.code });
    return { ok: false, failure: toFailure(error) };
  }
}

async function fit(
  { store, signal }: JobContext,
  files: Files,
  at: AttemptFiles,
  log: Log,
  runPath: string,
  version: string,
): Promise<TrainingResult> {
  const request = await readRequest(files, at.request);
  const snapshot = await readSnapshot({
    customers: await parts(files, `${request.snapshot}customers-`),
    items: await parts(files, `${request.snapshot}items-`),
    interactions: await parts(files, `${request.snapshot}interactions-`),
  });
  const rows = {
    customers: snapshot.customers.keys.length,
    items: snapshot.items.keys.length,
    interactions: snapshot.interactions.item.length,
  };
  log.info('snapshot read', rows);
  requireRows(request, rows);
  const progress = openProgress(store, paths.progress(runPath, 0));
  const trained = await train({
    ...snapshot,
    config: request.settings,
    now: Date.parse(request.asOf),
    champion: request.champion?.metrics ?? null,
    threads: availableParallelism(),
    signal,
    checkpoint: checkpointIn(files, at.checkpoint, store.clock, log),
    onProgress: (step, share) => progress.say(step, share),
    onTrial: ({ trial, slot, algorithm, options, metrics, seconds }) =>
      log.info('trial', {
        trial,
        slot,
        algorithm,
        options: JSON.stringify(options),
        ndcg10: metrics.ndcg10,
        recall10: metrics.recall10,
        seconds,
      }),
  });
  const { artifact, report, card } = trained;
  await files.save(at.artifact, artifact, 'application/octet-stream');
  await saveJson(files, at.metrics, report);
  await saveJson(files, at.card, card);
  // From the bytes as a service will read them, not from what is still in memory.
  const recommender = openRecommender(artifact);
  await saveJson(files, at.offlineLists, offlineLists(recommender));
  await writeBatchLists(files, recommender, at.artifact, version, signal);
  const { signals, customers, items } = trained.recommender;
  const tables =
    signals === null
      ? []
      : await writeSignalTables(files, at.folder, { version, source: { signals, customers, items } }, signal);
  await progress.close();
  for (const reason of card.gate.reasons) log.info(reason);
  return {
    ok: true,
    sha256: createHash('sha256').update(artifact).digest('hex'),
    bytes: artifact.byteLength,
    metrics: report,
    gate: card.gate,
    signals: tables,
  };
}

async function readRequest(files: Files, uri: string): Promise<TrainingRequest> {
  const bytes = await files.readAll(uri);
  try {
    return TrainingRequest.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch (cause) {
    throw new TerminalError('training-request-invalid', `${uri} is no training request.`, {
      remedy: 'Start the pipeline run again.',
      cause,
    });
  }
}

/** Between two writes of the checkpoint, milliseconds: an object takes about one a second, and each writes all of it. */
const CHECKPOINT_EVERY = 3000;

/** The checkpoint as an object; what is no JSON is as good as none. A failed write costs work, not the training. */
function checkpointIn(files: Files, uri: string, clock: () => number, log: Log): CheckpointStore {
  let written = -Infinity;
  return {
    load: async () => {
      if ((await files.stat(uri)) === null) return null;
      const text = Buffer.from(await files.readAll(uri)).toString('utf8');
      log.info('an earlier start of this attempt left a checkpoint', { characters: text.length });
      try {
        return JSON.parse(text) as unknown;
      } catch {
        return null;
      }
    },
    save: async (checkpoint) => {
      // What the time cap forced is written at once: it cannot be found out again.
      if (checkpoint.steps.at(-1)?.value !== true && clock() - written < CHECKPOINT_EVERY) return;
      written = clock();
      await saveJson(files, uri, checkpoint).catch(() => undefined);
    },
  };
}

/** @throws TerminalError `snapshot-incomplete`, naming the first table that is not as it was exported. */
function requireRows({ rows, snapshot }: TrainingRequest, read: TrainingRequest['rows']): void {
  for (const name of ['customers', 'items', 'interactions'] as const) {
    if (read[name] === rows[name]) continue;
    throw new TerminalError(
      'snapshot-incomplete',
      `The snapshot ${snapshot} has ${read[name]} ${name}; ${rows[name]} were counted when it was made.`,
      { remedy: 'Start the pipeline run again.' },
    );
  }
}

async function parts(files: Files, prefix: string): Promise<Part[]> {
  const found = await files.list(prefix);
  if (found.length === 0)
    throw new TerminalError('snapshot-missing', `There is no file ${prefix}*.parquet.`, {
      remedy: 'Run the pipeline again from extraction.',
    });
  return found
    .toSorted((a, b) => (a.uri < b.uri ? -1 : 1))
    .map(({ uri, bytes, generation }) => ({
      name: uri,
      bytes,
      read: async (start, end) => {
        const chunks: Uint8Array[] = [];
        for await (const chunk of files.read(uri, generation, { start, end })) chunks.push(chunk);
        return Buffer.concat(chunks);
      },
    }));
}

const saveJson = (files: Files, uri: string, value: unknown) =>
  files.save(uri, JSON.stringify(value), 'application/json');

/** Says everything twice: to the platform's log and to the run's. */
function both(one: Log, other: Log): Log {
  const say =
    (severity: keyof Log): Log['info'] =>
    (message, fields) => {
      one[severity](message, fields);
      other[severity](message, fields);
    };
  return { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') };
}

/** The training's progress document: at most one write a second, the newest state wins; a failed write is let go. */
function openProgress(store: JobContext['store'], path: string) {
  let writing = Promise.resolve();
  let last = 0;
  const write = (step: string, share: number) => {
    writing = writing
      .then(() => store.db.commit([{ kind: 'set', path, data: { stage: 'training', step, share } }]))
      .catch(() => undefined);
  };
  return {
    say(step: string, share: number): void {
      if (store.clock() - last < 1000) return;
      last = store.clock();
      write(step, share);
    },
    async close(): Promise<void> {
      write('done', 1);
      await writing;
    },
  };
}
