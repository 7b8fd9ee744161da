import { JobServiceClient } from '@google-cloud/aiplatform';
import {
  ExecutionsClient,
  JobsClient,
  RevisionsClient,
  ServicesClient,
  TasksClient,
} from '@google-cloud/run';
import { CloudSchedulerClient } from '@google-cloud/scheduler';
import { grpcOptions } from '#cloud/endpoint';

/** Official clients of Cloud Run, Vertex AI and Cloud Scheduler, pointed where `env` says; close them when done. */
export function controlClients(env: Readonly<Record<string, string>>) {
  const project = env['GOOGLE_CLOUD_PROJECT'] ?? '';
  const options = grpcOptions(env['RUN_ENDPOINT'], project);
  const clients = {
    jobs: new JobsClient(options),
    executions: new ExecutionsClient(options),
    tasks: new TasksClient(options),
    services: new ServicesClient(options),
    revisions: new RevisionsClient(options),
    customJobs: new JobServiceClient(grpcOptions(env['AIPLATFORM_ENDPOINT'], project)),
    scheduler: new CloudSchedulerClient(grpcOptions(env['SCHEDULER_ENDPOINT'], project)),
  };
  return {
    ...clients,
    parent: `projects/${project}/locations/${env['TRADEWIND_LOCATION']}`,
    image: (deployable: string): string => `${env['TRADEWIND_IMAGES']}/${deployable}`,
    async close(): Promise<void> {
      await Promise.all(Object.values(clients).map((client) => client.close()));
    },
  };
}

export type ControlClients = ReturnType<typeof controlClients>;
