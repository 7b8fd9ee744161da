import { ExecutionsClient, JobsClient, RevisionsClient, ServicesClient } from '@google-cloud/run';
import { TerminalError, TransientError } from '#core/errors';
import { grpcOptions, oncePerPlace } from './endpoint.ts';
import { codeOf } from './error-code.ts';

/** What the platform says of a piece of work. `unknown`: it has never heard of it. */
export interface WorkState {
  readonly state: 'running' | 'succeeded' | 'failed' | 'cancelled' | 'unknown';
  readonly message: string;
}

/** One revision of a service. `name` starts with the service's name and a dash. */
export interface RevisionSpec {
  readonly name: string;
  readonly image: string;
  readonly env: Readonly<Record<string, string>>;
  readonly cpu: number;
  readonly memory: string;
  readonly minInstances: number;
  readonly maxInstances: number;
  /** How long one request may take. */
  readonly timeoutSeconds: number;
  /** Requests one instance answers at a time. */
  readonly concurrency: number;
  /** Full address of the service account. */
  readonly serviceAccount: string;
}

export interface ServiceState {
  /** Where the service answers. */
  readonly url: string;
  /** Where the tagged revision answers, by tag. */
  readonly tagUrls: Readonly<Record<string, string>>;
  /** Revision of the template, i.e. the newest asked for. */
  readonly newest: string;
  readonly ready: boolean;
  /** Why the newest revision is not ready, if it failed; null while the platform still works on it. */
  readonly failure: string | null;
  /** Percent of traffic by revision, as asked for; those without any are left out. */
  readonly traffic: Readonly<Record<string, number>>;
  /** Which revision answers under which tag now. */
  readonly tags: Readonly<Record<string, string>>;
}

/** How one revision is, whatever became of later ones. */
export interface RevisionState {
  readonly ready: boolean;
  /** Why it cannot answer, if it failed. */
  readonly failure: string | null;
}

/** A revision's share of a service's traffic, in whole percent. */
export interface RevisionShare {
  readonly revision: string;
  readonly percent: number;
}

/** Cloud Run: jobs by execution, services by revision. */
export interface ContainerPlatform {
  /** Starts an execution of `job`; resolves to its full name as soon as it exists. */
  startJob(job: string, options: { env: Readonly<Record<string, string>>; tasks?: number }): Promise<string>;
  /** Names of the job's executions that were given all of `env`, the latest last: a call of `startJob` may have made one and not told. */
  executionsWith(job: string, env: Readonly<Record<string, string>>): Promise<string[]>;
  executionState(execution: string): Promise<WorkState>;
  /** Harmless where it is over, or was never there. */
  cancelExecution(execution: string): Promise<void>;
  service(name: string): Promise<ServiceState | null>;
  /** How a revision is; null where the service, or the revision in it, is gone. */
  revision(service: string, name: string): Promise<RevisionState | null>;
  /** Creates the service with this revision (nobody may call it yet), or adds the revision at 0 % under `tag`. */
  putRevision(service: string, revision: RevisionSpec, tag: string, guard?: Guard): Promise<void>;
  /** Lets everyone reach the service, which checks each request itself. Other grants on the service stay. */
  publish(service: string): Promise<void>;
  /**
   * Splits the service's traffic as `shares` say, in one call: there is no moment at which it is split otherwise. `tagged`
   * alone answers under `tag`; other tags go. @throws TerminalError `traffic-invalid` where the shares are not 100 together
   */
  direct(
    service: string,
    shares: readonly RevisionShare[],
    tagged: { readonly tag: string; readonly revision: string },
    guard?: Guard,
  ): Promise<void>;
  /**
   * Takes `revision` out of the service, whether it was opened or not: all traffic goes to `former`, the revision that is
   * live; other revisions keep their tags. Where nothing is live (null) the service is deleted, unless a newer revision
   * than `revision` has been put into it. May be called again.
   */
  discard(service: string, revision: string, former: string | null, guard?: Guard): Promise<void>;
  deleteService(service: string, guard?: Guard): Promise<void>;
}

/**
 * Whether the caller may still change the service: throws where not. It is asked after the service was read, and the change
 * is refused (TransientError) where anybody has changed the service since: so a caller that stands still right before its
 * change, for however long, does nothing to a service that others have gone on with.
 */
export type Guard = () => Promise<void>;

interface Place {
  readonly projectId: string;
  readonly location: string;
  readonly endpoints: { readonly run: string | undefined };
}

const TO_REVISION = 'TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION' as const;

type Traffic = { type: typeof TO_REVISION; revision: string; percent: number; tag?: string }[];

/** Cloud Run of the place. */
export const openContainerPlatform = oncePerPlace((place: Place) => place.endpoints.run, open);

function open(place: Place): ContainerPlatform {
  const options = grpcOptions(place.endpoints.run, place.projectId);
  const jobs = new JobsClient(options);
  const executions = new ExecutionsClient(options);
  const services = new ServicesClient(options);
  const revisions = new RevisionsClient(options);
  const parent = `projects/${place.projectId}/locations/${place.location}`;
  const named = (service: string) => `${parent}/services/${service}`;

  const get = async (service: string) => {
    try {
      return (await services.getService({ name: named(service) }))[0];
    } catch (error) {
      if (codeOf(error) === NOT_FOUND) return null;
      throw translated(`service ${service}`, error);
    }
  };

  /** The service as it is, with what tells whether it has been changed since; null where there is none. */
  const guarded = async (service: string, guard: Guard | undefined) => {
    const existing = await get(service);
    await guard?.();
    const etag = existing?.etag;
    return existing === null ? null : { existing, unchanged: etag ? { etag } : {} };
  };

  const remove = async (service: string, unchanged: { etag?: string }) => {
    try {
      await services.deleteService({ name: named(service), ...unchanged });
    } catch (error) {
      if (codeOf(error) !== NOT_FOUND) throw translated(`service ${service}`, error);
    }
  };

  const stateOf = async (execution: string): Promise<WorkState> => {
    try {
      const [found] = await executions.getExecution({ name: execution });
      if (!found.completionTime) return { state: 'running', message: '' };
      const completed = found.conditions?.find((one) => one.type === 'Completed');
      const message = completed?.message ?? '';
      if ((found.cancelledCount ?? 0) > 0) return { state: 'cancelled', message };
      return { state: (found.failedCount ?? 0) > 0 ? 'failed' : 'succeeded', message };
    } catch (error) {
      if (codeOf(error) === NOT_FOUND) return { state: 'unknown', message: 'no such execution' };
      throw translated(execution, error);
    }
  };

  const setTraffic = async (service: string, traffic: Traffic, unchanged: { etag?: string }) => {
    await services.updateService({
      service: { name: named(service), traffic, ...unchanged },
      updateMask: { paths: ['traffic'] },
    });
  };

  return {
    async startJob(job, { env, tasks }) {
      return translate(`job ${job}`, async () => {
        const [operation] = await jobs.runJob({
          name: `${parent}/jobs/${job}`,
          overrides: {
            containerOverrides: [{ env: toEnv(env) }],
            ...(tasks === undefined ? {} : { taskCount: tasks }),
          },
        });
        // The operation's metadata is the execution itself, which exists from here on.
        const name =
          operation.metadata && 'name' in operation.metadata ? String(operation.metadata.name) : '';
        if (name === '') throw new Error('runJob named no execution');
        return name;
      });
    },
    async executionsWith(job, env) {
      return translate(`job ${job}`, async () => {
        const [all] = await executions.listExecutions({ parent: `${parent}/jobs/${job}` });
        return all
          .toSorted((a, b) => seconds(a.createTime) - seconds(b.createTime))
          .flatMap(({ name, template }) => {
            const given = new Map(template?.containers?.[0]?.env?.map((one) => [one.name, one.value]));
            const fits = Object.entries(env).every(([key, value]) => given.get(key) === value);
            return name && fits ? [name] : [];
          });
      });
    },
    executionState: stateOf,
    async cancelExecution(execution) {
      try {
        await executions.cancelExecution({ name: execution });
      } catch (error) {
        if (codeOf(error) === NOT_FOUND) return;
        if ((await stateOf(execution)).state === 'running') throw translated(execution, error);
      }
    },
    async service(name) {
      const found = await get(name);
      if (!found) return null;
      const condition = found.terminalCondition;
      // While the platform works on a change, the condition is still that of what was before it.
      const settled = !found.reconciling;
      const failed = settled && condition?.state === 'CONDITION_FAILED';
      return {
        url: found.uri ?? '',
        tagUrls: Object.fromEntries(
          (found.trafficStatuses ?? []).flatMap((one) => (one.tag && one.uri ? [[one.tag, one.uri]] : [])),
        ),
        newest: found.template?.revision ?? '',
        ready: settled && condition?.state === 'CONDITION_SUCCEEDED',
        failure: failed ? (condition.message ?? 'the revision did not start') : null,
        traffic: Object.fromEntries(
          (found.traffic ?? []).flatMap(({ revision, percent }) =>
            revision && (percent ?? 0) > 0 ? [[revision, percent ?? 0]] : [],
          ),
        ),
        tags: Object.fromEntries(
          (found.trafficStatuses ?? []).flatMap(({ revision, tag }) =>
            revision && tag ? [[tag, revision]] : [],
          ),
        ),
      };
    },
    async revision(service, name) {
      try {
        const [found] = await revisions.getRevision({ name: `${named(service)}/revisions/${name}` });
        const ready = found.conditions?.find(({ type }) => type === 'Ready');
        return {
          ready: ready?.state === 'CONDITION_SUCCEEDED',
          failure:
            ready?.state === 'CONDITION_FAILED' ? (ready.message ?? 'the revision did not start') : null,
        };
      } catch (error) {
        if (codeOf(error) === NOT_FOUND) return null;
        throw translated(`revision ${name}`, error);
      }
    },
    async putRevision(service, revision, tag, guard) {
      await translate(`service ${service}`, async () => {
        const template = toTemplate(revision);
        const found = await guarded(service, guard);
        if (found === null) {
          // The first revision takes traffic by necessity; it is kept from the public by having no invoker.
          const [operation] = await services.createService({
            parent,
            serviceId: service,
            service: {
              template,
              traffic: [{ type: TO_REVISION, revision: revision.name, percent: 100, tag }],
            },
          });
          await guard?.().catch(async (thrown: unknown) => {
            // Made too late, by a caller who is succeeded: removed, unless the successor has taken it up already.
            const etag = operation.metadata && 'etag' in operation.metadata ? operation.metadata.etag : '';
            if (typeof etag === 'string' && etag !== '') await remove(service, { etag });
            throw thrown;
          });
          return;
        }
        const { existing, unchanged } = found;
        if (existing.template?.revision === revision.name) return;
        // The tag moves to the new revision; what has traffic keeps it.
        const serving = (existing.traffic ?? []).flatMap(({ type, revision: name, percent }) =>
          (percent ?? 0) > 0 && type && name ? [{ type, revision: name, percent: percent ?? 0 }] : [],
        );
        await services.updateService({
          service: {
            name: named(service),
            template,
            traffic: [...serving, { type: TO_REVISION, revision: revision.name, percent: 0, tag }],
            ...unchanged,
          },
          updateMask: { paths: ['template', 'traffic'] },
        });
      });
    },
    async publish(service) {
      await translate(`service ${service}`, async () => {
        const resource = named(service);
        const [policy] = await services.getIamPolicy({ resource });
        const bindings = policy.bindings ?? [];
        const isPublic = bindings.some(
          ({ role, members }) => role === INVOKER && (members ?? []).includes('allUsers'),
        );
        if (isPublic) return;
        // The etag refuses the write where somebody else has granted something in between.
        const { etag } = policy;
        const granted = [...bindings, { role: INVOKER, members: ['allUsers'] }];
        await services.setIamPolicy({
          resource,
          policy: { bindings: granted, ...(etag === undefined ? {} : { etag }) },
        });
      });
    },
    async direct(service, shares, { tag, revision: tagged }, guard) {
      const serving = shares.filter(({ percent }) => percent > 0);
      const sum = serving.reduce((total, { percent }) => total + percent, 0);
      if (sum !== 100)
        throw new TerminalError(
          'traffic-invalid',
          `The shares of ${service} come to ${sum} percent, not 100.`,
        );
      const traffic: Traffic = serving.map(({ revision, percent }) => ({
        type: TO_REVISION,
        revision,
        percent,
        ...(revision === tagged ? { tag } : {}),
      }));
      if (!serving.some(({ revision }) => revision === tagged))
        traffic.push({ type: TO_REVISION, revision: tagged, percent: 0, tag });
      await translate(`service ${service}`, async () => {
        const found = await guarded(service, guard);
        await setTraffic(service, traffic, found?.unchanged ?? {});
      });
    },
    async discard(service, revision, former, guard) {
      await translate(`service ${service}`, async () => {
        const found = await guarded(service, guard);
        if (found === null) return;
        const { existing, unchanged } = found;
        if (former === null) {
          if (existing.template?.revision === revision) await remove(service, unchanged);
          return;
        }
        const tagged = (existing.traffic ?? []).flatMap(({ revision: other, tag }) =>
          tag && other && other !== revision && other !== former
            ? [{ type: TO_REVISION, revision: other, percent: 0, tag }]
            : [],
        );
        const traffic = [{ type: TO_REVISION, revision: former, percent: 100 }, ...tagged];
        await setTraffic(service, traffic, unchanged);
      });
    },
    async deleteService(service, guard) {
      const found = await guarded(service, guard);
      if (found !== null) await remove(service, found.unchanged);
    },
  };
}

function toTemplate(revision: RevisionSpec) {
  return {
    revision: revision.name,
    serviceAccount: revision.serviceAccount,
    scaling: { minInstanceCount: revision.minInstances, maxInstanceCount: revision.maxInstances },
    timeout: { seconds: revision.timeoutSeconds },
    maxInstanceRequestConcurrency: revision.concurrency,
    containers: [
      {
        image: revision.image,
        env: toEnv(revision.env),
        resources: { limits: { cpu: String(revision.cpu), memory: revision.memory } },
        startupProbe: { httpGet: { path: '/v1/health' }, periodSeconds: 1, failureThreshold: 120 },
      },
    ],
  };
}

function toEnv(env: Readonly<Record<string, string>>) {
  return Object.entries(env).map(([name, value]) => ({ name, value }));
}

const seconds = (time: { seconds?: unknown; nanos?: unknown } | null | undefined) =>
  Number(time?.seconds ?? 0) + Number(time?.nanos ?? 0) / 1e9;
const INVOKER = 'roles/run.invoker';
const NOT_FOUND = 5;
const TERMINAL_CODES: readonly number[] = [3, 7, 9, 12, 16];

async function translate<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw translated(what, error);
  }
}

function translated(what: string, error: unknown): Error {
  if (error instanceof TerminalError || error instanceof TransientError) return error;
  const code = codeOf(error);
  if (code === NOT_FOUND)
    return new TerminalError('container-missing', `Cloud Run has no ${what}.`, {
      remedy: 'Deploy the installation again.',
      cause: error,
    });
  const detail = error instanceof Error ? error.message : String(error);
  return TERMINAL_CODES.includes(code)
    ? new TerminalError('container-refused', `Cloud Run refused ${what}: ${detail}`, { cause: error })
    : new TransientError('container-unavailable', `Cloud Run did not answer for ${what}: ${detail}`, {
        cause: error,
      });
}
