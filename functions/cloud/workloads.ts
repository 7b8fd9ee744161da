import { JobServiceClient } from '@google-cloud/aiplatform/build/src/v1/job_service_client.js';
import { ExecutionsClient, ServicesClient } from '@google-cloud/run';
import { TransientError } from '#core/errors';
import { grpcOptions, oncePerPlace } from './endpoint.ts';
import { codeOf } from './error-code.ts';

/** One thing that runs or ran in a place, and is known there for good. */
export interface Workload {
  readonly kind: 'service' | 'execution' | 'training-job';
  /** Full resource name. */
  readonly name: string;
}

/** Everything that runs or ran in a place, found by what its containers were told: for clearing up after a tenant. */
export interface Workloads {
  /** Those whose containers have `variable` = `value`; each kind's list is read to its end. */
  withVariable(variable: string, value: string): Promise<Workload[]>;
  /** Stops it, where it runs, and removes it with its history. May be called again; harmless once it is gone. */
  remove(workload: Workload): Promise<void>;
}

interface Place {
  readonly projectId: string;
  readonly location: string;
  readonly endpoints: { readonly run: string | undefined; readonly aiplatform: string | undefined };
}

type Containers =
  readonly { env?: readonly { name?: string | null; value?: string | null }[] | null }[] | null | undefined;

const NOT_FOUND = 5;
const FAILED_PRECONDITION = 9;
const INVALID_ARGUMENT = 3;

/** The workloads of a place: Cloud Run's services and executions, Vertex AI's custom jobs. */
export const openWorkloads = oncePerPlace(
  ({ endpoints }: Place) => `${endpoints.run} ${endpoints.aiplatform}`,
  open,
);

function open(place: Place): Workloads {
  const run = grpcOptions(place.endpoints.run, place.projectId);
  const services = new ServicesClient(run);
  const executions = new ExecutionsClient(run);
  const vertex = grpcOptions(place.endpoints.aiplatform, place.projectId);
  const training = new JobServiceClient(
    'apiEndpoint' in vertex
      ? vertex
      : { ...vertex, apiEndpoint: `${place.location}-aiplatform.googleapis.com` },
  );
  const parent = `projects/${place.projectId}/locations/${place.location}`;

  return {
    async withVariable(variable, value) {
      const tells = (containers: Containers) =>
        (containers ?? []).some(({ env }) =>
          (env ?? []).some((one) => one.name === variable && one.value === value),
        );
      return translate(async () => {
        // A job of "-" means every job.
        const [[allServices], [allExecutions], [allTraining]] = await Promise.all([
          services.listServices({ parent }),
          executions.listExecutions({ parent: `${parent}/jobs/-` }),
          training.listCustomJobs({ parent }),
        ]);
        const named = (kind: Workload['kind'], name: string | null | undefined): Workload[] =>
          name ? [{ kind, name }] : [];
        return [
          ...allServices.flatMap((one) =>
            tells(one.template?.containers) ? named('service', one.name) : [],
          ),
          ...allExecutions.flatMap((one) =>
            tells(one.template?.containers) ? named('execution', one.name) : [],
          ),
          ...allTraining.flatMap((one) =>
            tells(
              (one.jobSpec?.workerPoolSpecs ?? []).flatMap(({ containerSpec }) =>
                containerSpec ? [containerSpec] : [],
              ),
            )
              ? named('training-job', one.name)
              : [],
          ),
        ];
      });
    },
    async remove({ kind, name }) {
      await translate(async () => {
        switch (kind) {
          case 'service':
            await unlessGone(services.deleteService({ name }));
            break;
          case 'execution':
            await unlessGone(executions.cancelExecution({ name }));
            await unlessGone(executions.deleteExecution({ name }));
            break;
          case 'training-job':
            await unlessGone(training.cancelCustomJob({ name }));
            await unlessGone(training.deleteCustomJob({ name }));
        }
      });
    },
  };
}

/** What is gone, or has ended by itself, needs no ending: the next look sees whether anything is left. */
async function unlessGone(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (![NOT_FOUND, FAILED_PRECONDITION, INVALID_ARGUMENT].includes(codeOf(error))) throw error;
  }
}

async function translate<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new TransientError('container-unavailable', `Cloud Run or Vertex AI did not answer: ${detail}`, {
      cause: error,
    });
  }
}
