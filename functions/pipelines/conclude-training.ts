import { createHash } from 'node:crypto';
import { ConflictError } from '#cloud/firestore';
import { TransientError } from '#core/errors';
import { Model } from '#core/model';
import { paths } from '#core/paths';
import { trainingFiles, type TrainingResult } from '#core/training-result';
import { newVersion, Version } from '#core/version';
import { read, readAll } from '#store/document';
import { commitChange, now } from '#store/store';
import type { StageContext, StageOutcome } from './run-context.ts';
import { loadSignalTables } from './signal-tables.ts';
import { versionIdOf } from './version-id.ts';

/** What the trainer's result comes to: checks the artifact, writes the version, and judges by the gate's verdict. */
export async function concludeTraining(context: StageContext, result: TrainingResult): Promise<StageOutcome> {
  if (!result.ok) return { state: 'failed', failure: result.failure };
  const { ids, tenant, attempt, files } = context;
  const { artifact } = trainingFiles(tenant.cloud.bucket, ids.tenant, ids.model, ids.run, attempt);
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of files.read(artifact)) {
    hash.update(chunk);
    bytes += chunk.byteLength;
  }
  const sha256 = hash.digest('hex');
  if (sha256 !== result.sha256 || bytes !== result.bytes)
    return {
      state: 'died',
      failure: {
        code: 'artifact-damaged',
        message: `The artifact ${artifact} has ${bytes} bytes and SHA-256 ${sha256}, the trainer wrote ${result.bytes} and ${result.sha256}.`,
        remedy: 'It is trained once more by itself.',
      },
    };
  const version = await writeVersion(context, artifact, result);
  const found = { metrics: result.metrics, version: version.id };
  if (result.gate.passed) {
    const { folder } = trainingFiles(tenant.cloud.bucket, ids.tenant, ids.model, ids.run, attempt);
    return (await loadSignalTables(context, folder, result.signals))
      ? { state: 'done', found }
      : { state: 'running' };
  }
  const failure = {
    code: 'gate-rejected',
    message: `The quality gate refused version ${version.number}: ${result.gate.checks
      .filter((check) => !check.passed)
      .map((check) => check.text)
      .join(' ')}`,
    remedy: 'Load more history, or try the preset "thorough"; what was live before stays live.',
  };
  return { state: 'rejected', found, failure };
}

/** Writes the run's version under the next free number, or finds it written. */
async function writeVersion(
  context: StageContext,
  artifact: string,
  result: TrainingResult & { ok: true },
): Promise<Version> {
  const { ids, store } = context;
  const id = versionIdOf(ids.run);
  const path = paths.version(ids.tenant, ids.model, id);
  const model = await read(store, paths.model(ids.tenant, ids.model), Model);
  const approved = result.gate.passed && model?.value.requireApproval !== true;
  for (let attempt = 1; ; attempt++) {
    const existing = await read(store, path, Version);
    if (existing !== null) return existing.value;
    const [newest] = await readAll(store, paths.versions(ids.tenant, ids.model), Version, {
      orderBy: ['number', 'desc'],
      limit: 1,
    });
    const version = newVersion({
      id,
      number: (newest?.number ?? 0) + 1,
      run: ids.run,
      status: approved ? 'approved' : 'candidate',
      artifact,
      sha256: result.sha256,
      bytes: result.bytes,
      metrics: result.metrics,
      gate: { passed: result.gate.passed, reasons: result.gate.reasons },
      createdAt: now(store),
    });
    try {
      await commitChange(store, {
        writes: [
          { kind: 'create', path, data: version },
          // Of two versions made at once one gets the number; the other takes the next.
          {
            kind: 'create',
            path: paths.versionNumber(ids.tenant, ids.model, version.number),
            data: { version: id },
          },
        ],
        audit: {
          tenant: ids.tenant,
          actor: 'system',
          action: 'version.create',
          target: path,
          after: { number: version.number, run: ids.run, status: version.status, sha256: version.sha256 },
        },
      });
      return version;
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
      if (attempt === 8)
        throw new TransientError('version-numbers-busy', 'No version number could be taken.', {
          cause: error,
        });
    }
  }
}
