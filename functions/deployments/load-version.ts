import { createHash } from 'node:crypto';
import type { Files } from '#cloud/storage';
import type { RecommenderEnv } from '#core/container-env';
import { TerminalError } from '#core/errors';
import { DIGEST_BYTES } from '#recommender/artifact';
import { openRecommender, type Recommender } from '#recommender/recommend';

/**
 * The version's recommender from its artifact. TerminalError `artifact-changed` where the file is not the one that the
 * deployment was made for; `object-missing` where there is none; else as `openArtifact`.
 */
export async function loadVersion(
  files: Pick<Files, 'stat' | 'read' | 'readAll'>,
  env: Pick<RecommenderEnv, 'TRADEWIND_ARTIFACT' | 'TRADEWIND_ARTIFACT_SHA256'>,
): Promise<Recommender> {
  const { bytes, content, whole } = await readHashed(files, env.TRADEWIND_ARTIFACT);
  if (whole.toString('hex') !== env.TRADEWIND_ARTIFACT_SHA256)
    throw new TerminalError(
      'artifact-changed',
      `${env.TRADEWIND_ARTIFACT} has SHA-256 ${whole.toString('hex')}, not ${env.TRADEWIND_ARTIFACT_SHA256} as when it was deployed.`,
      { remedy: 'Train and deploy the model again; artifacts must never be replaced.' },
    );
  return openRecommender(bytes, content);
}

/**
 * The file's bytes, read straight to where they stay, hashed as they come: `whole` all of them, `content` all but those at the
 * end that hold the artifact's own digest. The checksum of the storage client is not asked for (it reads by range): ours is
 * the stronger one.
 */
async function readHashed(
  files: Pick<Files, 'stat' | 'read' | 'readAll'>,
  uri: string,
): Promise<{ bytes: Uint8Array; content: Buffer; whole: Buffer }> {
  const info = await files.stat(uri);
  // Says that it is missing, in the words of every missing object.
  const size = info?.bytes ?? (await files.readAll(uri)).byteLength;
  const bytes = new Uint8Array(size);
  const end = Math.max(0, size - DIGEST_BYTES);
  const hash = createHash('sha256');
  let at = 0;
  if (size > 0)
    for await (const chunk of files.read(uri, info?.generation, { start: 0, end: size })) {
      const taken = chunk.subarray(0, size - at);
      bytes.set(taken, at);
      if (at < end) hash.update(taken.subarray(0, end - at));
      at += taken.byteLength;
    }
  const content = hash.copy().digest();
  return { bytes, content, whole: hash.update(bytes.subarray(end)).digest() };
}
