import type { DEAD_LETTER_TOPIC, Topic } from '#core/events';

/** Short names of the installation's service accounts; each is to have only the roles its work needs. */
export type ServiceAccount = 'api' | 'events' | 'etl' | 'trainer' | 'recommender';

/** The address of a service account in the installation's project. */
export function serviceAccountEmail(projectId: string, account: ServiceAccount): string {
  return `tradewind-${account}@${projectId}.iam.gserviceaccount.com`;
}

/** Sizes and limits every deployable states. Memory as Kubernetes writes it ("256Mi"), CPU in cores. */
interface Size {
  readonly memory: string;
  readonly cpu: number;
  readonly timeoutSeconds: number;
  readonly serviceAccount: ServiceAccount;
}

export interface HttpDeploy extends Size {
  readonly trigger: 'http';
  /** Requests one instance answers at a time. */
  readonly concurrency: number;
}
export interface EventDeploy extends Size {
  readonly trigger: 'event';
  readonly topic: Topic | typeof DEAD_LETTER_TOPIC;
  readonly concurrency: number;
}
export interface JobDeploy extends Size {
  readonly trigger: 'job';
  readonly tasks: number;
  readonly maxRetries: number;
}
export interface ServiceDeploy extends Size {
  readonly trigger: 'service';
  readonly concurrency: number;
}

/** How one entry file is deployed: the value of its `deploy` export. */
export type Deploy = HttpDeploy | EventDeploy | JobDeploy | ServiceDeploy;

/** An HTTP function: behind Hosting, so it must answer in under 60 s; ours do in under 30. */
export function httpDeploy(overrides: Partial<Size & Pick<HttpDeploy, 'concurrency'>> = {}): HttpDeploy {
  return {
    trigger: 'http',
    memory: '256Mi',
    cpu: 1,
    timeoutSeconds: 30,
    concurrency: 40,
    serviceAccount: 'api',
    ...overrides,
  };
}

/** A Pub/Sub function. Nothing waits longer than 60 s, so 120 s is ample. */
export function eventDeploy(topic: EventDeploy['topic'], overrides: Partial<Size> = {}): EventDeploy {
  return {
    trigger: 'event',
    topic,
    memory: '256Mi',
    cpu: 1,
    timeoutSeconds: 120,
    concurrency: 10,
    serviceAccount: 'events',
    ...overrides,
  };
}
