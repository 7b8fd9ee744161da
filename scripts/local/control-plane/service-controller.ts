import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { toError } from '#core/errors';
import { containerSpec } from './containers.ts';
import type { ContainerHost } from './containers.ts';
import { startInstance } from './instances.ts';
import type { Instance, InstanceSpec } from './instances.ts';
import type { OpenJournal, Revision, ServiceRecord } from './journal.ts';
import { idOf, milliseconds, timestamp } from './rpc.ts';
import { condition, shortId } from './run-jobs.ts';
import { resolveTraffic, servingRevisions } from './traffic.ts';

/** Keeps services as their definitions want them: revisions made, instances up, traffic assigned. */
export interface ServiceController {
  /** Works towards the service's present definition; calls for one service wait for each other. */
  reconcile(name: string): Promise<void>;
  /** Stops the instances of a service that was taken out of the journal. */
  remove(record: ServiceRecord): Promise<void>;
  /** An instance of a revision, each in turn, if it has any; one that is ready where there is one. */
  instance(revisionName: string): Instance | undefined;
  /** Starts what was serving before. */
  resume(): Promise<void>;
}

/** How long a container may take to listen; Cloud Run's default startup probe waits as long. */
const STARTUP_TIMEOUT_MS = 240_000;
/** How long an instance goes on after it has lost its traffic. */
const DRAIN_MS = 500;

/** @param origin of the ingress: services are `<origin>/<service>`, tags `<origin>/<tag>---<service>` */
export function openServiceController(
  { journal, save }: OpenJournal,
  containers: ContainerHost,
  origin: string,
  logs: string,
): ServiceController {
  const instances = new Map<string, Instance[]>();
  const queues = new Map<string, Promise<void>>();
  let turn = 0;

  async function start(revision: Revision): Promise<void> {
    const name = revision.name ?? '';
    if (instances.has(name)) return;
    const spec = instanceSpec(revision, logs);
    const begun = await Promise.allSettled(
      Array.from({ length: instanceCount(revision) }, () => startInstance(spec, containers)),
    );
    const up = begun.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const failed = begun.find((one) => one.status === 'rejected');
    if (failed === undefined) {
      instances.set(name, up);
      return;
    }
    await Promise.all(up.map((instance) => instance.stop()));
    throw toError(failed.reason);
  }

  async function stop(name: string): Promise<void> {
    const stopped = instances.get(name) ?? [];
    if (stopped.length === 0) return;
    instances.delete(name);
    // Requests that were on their way to it when the traffic moved still arrive.
    await sleep(DRAIN_MS);
    await Promise.all(stopped.map((instance) => instance.stop()));
  }

  async function deploy(record: ServiceRecord): Promise<void> {
    const { service, revisions } = record;
    const id = idOf(service.name ?? '');
    const generation = service.generation;
    const created = revisions.at(-1);
    if (created !== undefined && service.latestReadyRevision !== created.name && !hasFailed(created)) {
      try {
        await start(created);
        created.conditions = [condition('Ready', 'CONDITION_SUCCEEDED')];
        service.latestReadyRevision = created.name ?? '';
      } catch (thrown) {
        const why = `Revision '${idOf(created.name ?? '')}' is not ready and cannot serve traffic. ${toError(thrown).message}`;
        created.conditions = [condition('Ready', 'CONDITION_FAILED', why)];
      }
    }
    const latest = service.latestReadyRevision === undefined ? null : idOf(service.latestReadyRevision ?? '');
    const failure =
      created !== undefined && hasFailed(created) ? (created.conditions?.[0]?.message ?? '') : null;
    const former = service.trafficStatuses;
    // Traffic that names a revision that never became ready stays as it was.
    const pointsAtFailed =
      failure !== null &&
      (service.traffic ?? []).some(({ revision }) => revision === idOf(created?.name ?? ''));
    const wanted = pointsAtFailed
      ? (former ?? [])
      : resolveTraffic(service.traffic, revisions, latest, (tag) => `${origin}/${tag}---${id}`);
    const serving = servingRevisions(wanted);
    // Who is to answer is up before the traffic moves.
    for (const revision of revisions)
      if (serving.has(idOf(revision.name ?? '')) && !hasFailed(revision)) await start(revision);
    service.trafficStatuses = wanted;
    for (const { name } of revisions)
      if (!serving.has(idOf(name ?? '')))
        void stop(name ?? '').catch((error: unknown) => console.error('an instance was not stopped', error));
    service.observedGeneration = generation ?? 0;
    service.reconciling = service.generation !== generation;
    service.terminalCondition =
      failure === null
        ? condition('Ready', 'CONDITION_SUCCEEDED')
        : condition('Ready', 'CONDITION_FAILED', failure);
    save();
  }

  async function deployAfter(before: Promise<void> | undefined, name: string): Promise<void> {
    await before;
    const record = journal.services[name];
    if (record === undefined) return;
    try {
      await deploy(record);
    } catch (thrown) {
      console.error(thrown);
      record.service.reconciling = false;
      record.service.observedGeneration = record.service.generation ?? 0;
      record.service.terminalCondition = condition('Ready', 'CONDITION_FAILED', toError(thrown).message);
      save();
    }
  }

  const controller: ServiceController = {
    reconcile(name) {
      const settled = deployAfter(queues.get(name), name);
      queues.set(name, settled);
      return settled;
    },
    async remove({ service, revisions }) {
      await queues.get(service.name ?? '');
      await Promise.all(revisions.map(({ name }) => stop(name ?? '')));
    },
    instance(revisionName) {
      const all = instances.get(revisionName) ?? [];
      const ready = all.filter((one) => one.port() !== null);
      const choice = ready.length > 0 ? ready : all;
      return choice[turn++ % choice.length];
    },
    async resume() {
      await Promise.all(Object.keys(journal.services).map((name) => controller.reconcile(name)));
    },
  };
  return controller;
}

/** The next revision where the template differs from that of the last one; null where it does not. */
export function planRevision({ service, revisions }: ServiceRecord, now: number): Revision | null {
  const name = service.name ?? '';
  const { revision: wanted, ...template } = service.template ?? {};
  const last = revisions.at(-1);
  const number =
    revisions.length === 0
      ? 1
      : Number(/-(\d{5})-/.exec(idOf(last?.name ?? ''))?.[1] ?? revisions.length) + 1;
  const isNamedAsLast = (wanted ?? '') !== '' && wanted === idOf(last?.name ?? '');
  const same =
    last !== undefined && isDeepStrictEqual(templateOf(last), JSON.parse(JSON.stringify(template)));
  if (same && ((wanted ?? '') === '' || isNamedAsLast)) return null;
  const id =
    wanted === undefined || wanted === null || wanted === ''
      ? `${idOf(name)}-${String(number).padStart(5, '0')}-${shortId().slice(0, 3)}`
      : wanted;
  return {
    ...template,
    name: `${name}/revisions/${id}`,
    service: idOf(name),
    uid: `${id}-${now}`,
    generation: 1,
    createTime: timestamp(now),
    conditions: [condition('Ready', 'CONDITION_RECONCILING')],
  }; // a revision has every field of its template, under the same names
}

function templateOf(revision: Revision): unknown {
  const {
    name: _,
    service: __,
    uid: ___,
    generation: ____,
    createTime: _____,
    conditions: ______,
    ...template
  } = revision;
  return JSON.parse(JSON.stringify(template));
}

function hasFailed(revision: Revision): boolean {
  return revision.conditions?.some(({ state }) => state === 'CONDITION_FAILED') ?? false;
}

/**
 * How many instances a revision has here: as many as it must have at least, and one where that is none, for nothing here
 * starts at the first request. It does not grow with the load.
 */
function instanceCount({ scaling }: Revision): number {
  return Math.max(1, scaling?.minInstanceCount ?? 0);
}

function instanceSpec(revision: Revision, logs: string): InstanceSpec {
  const container = containerSpec(revision.containers);
  const probe = revision.containers?.[0]?.startupProbe;
  const patience =
    (probe?.failureThreshold ?? 0) * (probe?.periodSeconds ?? 10) * 1000 +
    (probe?.initialDelaySeconds ?? 0) * 1000;
  const id = idOf(revision.name ?? '');
  return {
    container: {
      ...container,
      env: {
        ...container.env,
        K_SERVICE: revision.service ?? '',
        K_REVISION: id,
        K_CONFIGURATION: revision.service ?? '',
      },
    },
    probe: { httpPath: probe?.httpGet?.path ?? null, timeoutMs: patience || STARTUP_TIMEOUT_MS },
    logFile: join(logs, 'services', `${id}.log`),
  };
}

/** Milliseconds a request to a revision may take; Cloud Run's default is five minutes. */
export function requestTimeoutMs(revision: Revision | undefined): number {
  return milliseconds(revision?.timeout, 300_000);
}
