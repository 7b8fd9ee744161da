// The one client that is needed: the package's index loads all seventy, half a second of every cold start.
import { JobServiceClient } from '@google-cloud/aiplatform/build/src/v1/job_service_client.js';
import { TerminalError, TransientError } from '#core/errors';
import { grpcOptions, oncePerPlace } from './endpoint.ts';
import { codeOf } from './error-code.ts';
import type { WorkState } from './run.ts';

export interface TrainingJobSpec {
  /** Deterministic: asked for twice, the same job is meant. */
  readonly displayName: string;
  readonly image: string;
  readonly env: Readonly<Record<string, string>>;
  readonly machineType: string;
  readonly timeoutSeconds: number;
  /** Full address of the service account. */
  readonly serviceAccount: string;
}

/** A job's state. `seconds`: that its machine has run so far, or until its end. */
export interface TrainingState extends WorkState {
  readonly seconds: number;
}

/** Vertex AI custom jobs. */
export interface TrainingPlatform {
  /** Starts the job, or finds the one of this display name; resolves to its full name. */
  start(spec: TrainingJobSpec): Promise<string>;
  /** The full name of the job of this display name; null where there is none. */
  find(displayName: string): Promise<string | null>;
  state(job: string): Promise<TrainingState>;
  /** Asks for the job's end: its container is told by SIGTERM. Harmless where it has ended. */
  cancel(job: string): Promise<void>;
}

interface Place {
  readonly projectId: string;
  readonly location: string;
  readonly endpoints: { readonly aiplatform: string | undefined };
}

const STATES: Readonly<Record<string, WorkState['state']>> = {
  JOB_STATE_SUCCEEDED: 'succeeded',
  JOB_STATE_FAILED: 'failed',
  JOB_STATE_EXPIRED: 'failed',
  JOB_STATE_CANCELLED: 'cancelled',
};

/** Vertex AI of the place (its regional endpoint, which the API asks for). */
export const openTrainingPlatform = oncePerPlace((place: Place) => place.endpoints.aiplatform, open);

function open(place: Place): TrainingPlatform {
  const options = grpcOptions(place.endpoints.aiplatform, place.projectId);
  const client = new JobServiceClient(
    'apiEndpoint' in options
      ? options
      : { ...options, apiEndpoint: `${place.location}-aiplatform.googleapis.com` },
  );
  const parent = `projects/${place.projectId}/locations/${place.location}`;
  const named = async (displayName: string): Promise<string | null> => {
    const [existing] = await client.listCustomJobs({ parent, filter: `display_name="${displayName}"` });
    return existing.find((one) => one.displayName === displayName)?.name ?? null;
  };
  return {
    async find(displayName) {
      try {
        return await named(displayName);
      } catch (error) {
        throw translated(displayName, error);
      }
    },
    async start(spec) {
      try {
        const existing = await named(spec.displayName);
        if (existing !== null) return existing;
        const [created] = await client.createCustomJob({
          parent,
          customJob: {
            displayName: spec.displayName,
            jobSpec: {
              workerPoolSpecs: [
                {
                  machineSpec: { machineType: spec.machineType },
                  replicaCount: 1,
                  containerSpec: {
                    imageUri: spec.image,
                    env: Object.entries(spec.env).map(([name, value]) => ({ name, value })),
                  },
                },
              ],
              serviceAccount: spec.serviceAccount,
              scheduling: { timeout: { seconds: spec.timeoutSeconds } },
            },
          },
        });
        if (!created.name) throw new Error('createCustomJob named no job');
        return created.name;
      } catch (error) {
        throw translated(spec.displayName, error);
      }
    },
    async state(job) {
      try {
        const [found] = await client.getCustomJob({ name: job });
        const state = STATES[String(found.state)] ?? 'running';
        const began = millisOf(found.startTime);
        const ended = millisOf(found.endTime) ?? Date.now();
        const seconds = began === null ? 0 : Math.max(0, (ended - began) / 1000);
        return { state, message: found.error?.message ?? '', seconds };
      } catch (error) {
        if (codeOf(error) === 5) return { state: 'unknown', message: 'no such job', seconds: 0 };
        throw translated(job, error);
      }
    },
    async cancel(job) {
      try {
        await client.cancelCustomJob({ name: job });
      } catch (error) {
        // 5: no such job. 9: it has ended already.
        if (![5, 9].includes(codeOf(error))) throw translated(job, error);
      }
    },
  };
}

/** A protobuf timestamp as milliseconds since 1970. */
function millisOf(
  time:
    { seconds?: number | string | { toString(): string } | null; nanos?: number | null } | null | undefined,
): number | null {
  if (time?.seconds == null) return null;
  return Number(time.seconds.toString()) * 1000 + (time.nanos ?? 0) / 1e6;
}

function translated(what: string, error: unknown): Error {
  const code = codeOf(error);
  const detail = error instanceof Error ? error.message : String(error);
  return [3, 5, 7, 9, 12, 16].includes(code)
    ? new TerminalError('training-refused', `Vertex AI refused ${what}: ${detail}`, { cause: error })
    : new TransientError('training-unavailable', `Vertex AI did not take ${what}: ${detail}`, {
        cause: error,
      });
}
