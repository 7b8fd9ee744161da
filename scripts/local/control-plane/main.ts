/**
 * Cloud Run (jobs, services, revisions), Vertex AI (custom jobs) and Cloud Scheduler as one gRPC server that speaks the
 * official protos, and the ingress of the services. Containers are child processes; what is known is kept in a journal.
 */
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { announceReady, onShutdown, pieceArguments } from '../announce.ts';
import { startGuardian } from '../guardian.ts';
import { openContainerHost } from './containers.ts';
import { customJobService } from './custom-jobs.ts';
import { deployJobs } from './deployed-jobs.ts';
import { openExecutions } from './executions.ts';
import { openImages } from './images.ts';
import { openIngress } from './ingress.ts';
import { openJournal } from './journal.ts';
import { openOperations } from './operations.ts';
import { resourceProgress } from './progress.ts';
import { loadServices } from './protos.ts';
import { jobServices } from './run-jobs.ts';
import { serviceServices } from './run-services.ts';
import { publishVia } from './scheduler-publish.ts';
import { schedulerService } from './scheduler.ts';
import { openServiceController } from './service-controller.ts';

const GRACE_MS = 3_000;
const { port, ingress, dir, functions, logs } = pieceArguments('port', 'ingress', 'dir', 'functions', 'logs');
const origin = `http://127.0.0.1:${ingress}`;

const stopping = new AbortController();
const guardian = startGuardian();
const containers = openContainerHost(
  openImages(functions, join(dir, 'images')),
  dirname(functions),
  guardian,
);
const open = openJournal(dir);
const definitions = loadServices();
const executions = openExecutions(open, containers, logs, stopping.signal);
const controller = openServiceController(open, containers, origin, logs);
const operations = openOperations(open, definitions, resourceProgress(open.journal, executions));

// At the first call about jobs: at the start of the cloud the processors have enough to do.
let deploying: Promise<void> | undefined;
const deployed = (): Promise<void> =>
  (deploying ??= deployJobs(open, functions).catch((error: unknown) =>
    console.error('jobs were not deployed', error),
  ));
const run = {
  ...jobServices(open, executions, operations, deployed),
  ...serviceServices(open, controller, operations, origin),
};
const scheduler = schedulerService(open, publishVia(process.env['PUBSUB_EMULATOR_HOST']));

const server = new Server();
server.addService(definitions.jobs, run.jobs);
server.addService(definitions.executions, run.executions);
server.addService(definitions.tasks, run.tasks);
server.addService(definitions.services, run.services);
server.addService(definitions.revisions, run.revisions);
server.addService(
  definitions.customJobs,
  customJobService(open, containers, operations, logs, stopping.signal),
);
server.addService(definitions.operations, operations.service);
server.addService(definitions.scheduler, scheduler.service);

await new Promise<void>((resolve, reject) => {
  server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error) =>
    error === null ? resolve() : reject(error),
  );
});
const front = openIngress(open.journal, controller).listen(Number(ingress), '127.0.0.1');
await once(front, 'listening');
void controller.resume();

onShutdown(async () => {
  stopping.abort();
  scheduler.stop();
  server.forceShutdown();
  front.close();
  front.closeAllConnections();
  await containers.stopAll(GRACE_MS);
  open.flush();
  await guardian.close();
});
announceReady({});
