import { createHash } from 'node:crypto';
import type { Files } from '#cloud/storage';
import type { RecommenderEnv } from '#core/container-env';
import { TerminalError } from '#core/errors';
import { openRecommender, type Recommender } from '#recommender/recommend';

/**
 * The version's recommender from its artifact. TerminalError `artifact-changed` where the file is not the one that the
 * deployment was made for; else as `openArtifact`.
 */
export async function loadVersion(
  files: Files,
  env: Pick<RecommenderEnv, 'TRADEWIND_ARTIFACT' | 'TRADEWIND_ARTIFACT_SHA256'>,
): Promise<Recommender> {
  const bytes = await files.readAll(env.TRADEWIND_ARTIFACT);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (sha256 !== env.TRADEWIND_ARTIFACT_SHA256)
    throw new TerminalError(
      'artifact-changed',
      `${env.TRADEWIND_ARTIFACT} has SHA-256 ${sha256}, not ${env.TRADEWIND_ARTIFACT_SHA256} as when it was deployed.`,
      { remedy: 'Train and deploy the model again; artifacts must never be replaced.' },
    );
  return openRecommender(bytes);
}
