import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { listDeployables } from '../deployables.ts';
import type { OpenJournal } from './journal.ts';
import { storeJob } from './run-jobs.ts';

const Descriptions = z.record(
  z.string(),
  z.object({
    timeoutSeconds: z.number().positive().default(600),
    tasks: z.number().int().positive().default(1),
    maxRetries: z.number().int().min(0).default(3),
  }),
);

/**
 * Makes a Cloud Run job of every job deployable, as a deployment does, from its `deploy` export.
 * The entries are imported by another process: theirs is the weight of the whole product.
 */
export async function deployJobs(open: OpenJournal, functionsFolder: string): Promise<void> {
  const jobs = listDeployables(functionsFolder).filter(({ kind }) => kind === 'job');
  const {
    GOOGLE_CLOUD_PROJECT: project,
    TRADEWIND_LOCATION: location,
    TRADEWIND_IMAGES: images,
  } = process.env;
  if (jobs.length === 0 || project === undefined || location === undefined) return;
  const describe = fileURLToPath(new URL('describe-jobs.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [describe, ...jobs.map(({ file }) => file)]);
  const described = Descriptions.parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}'));
  for (const { name, file } of jobs) {
    const deploy = described[file];
    if (deploy === undefined) continue; // it could not be imported; the log says why
    storeJob(open, `projects/${project}/locations/${location}/jobs/${name}`, {
      template: {
        taskCount: deploy.tasks,
        template: {
          containers: [{ image: `${images}/${name}` }],
          maxRetries: deploy.maxRetries,
          timeout: { seconds: deploy.timeoutSeconds },
        },
      },
    });
  }
}
