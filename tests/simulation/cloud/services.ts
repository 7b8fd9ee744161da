/* Cloud Run services: revisions that take a while to start, traffic, tags, and what the recommender in them answers. */
import type { Kernel } from '../kernel.ts';
import { codedError, GRPC } from '../kernel.ts';
import type { SimulatedFiles } from './files.ts';

interface Target {
  readonly type: string;
  readonly revision?: string;
  readonly percent?: number;
  readonly tag?: string;
}
interface Template {
  readonly revision: string;
  readonly containers: readonly {
    readonly env: readonly { readonly name: string; readonly value: string }[];
  }[];
}

export interface Revision {
  readonly env: Readonly<Record<string, string>>;
  readonly readyAt: number;
  /** It never becomes ready. */
  readonly broken: boolean;
  /** Its lists are not those that the trainer computed. */
  readonly wrong: boolean;
  /** It answers, and says that it is not well. */
  readonly sick: boolean;
}
export interface Service {
  readonly name: string;
  template: Template;
  traffic: readonly Target[];
  readonly revisions: Map<string, Revision>;
  /** Whether everybody may call it. */
  open: boolean;
  /** Another after each change. */
  etag: string;
}

export interface SimulatedServices {
  readonly all: ReadonlyMap<string, Service>;
  getService(request: { name: string }): Promise<[object]>;
  createService(request: {
    parent: string;
    serviceId: string;
    service: { template: Template; traffic: readonly Target[] };
  }): Promise<[object]>;
  updateService(request: {
    service: { name: string; template?: Template; traffic?: readonly Target[]; etag?: string };
    updateMask: { paths: readonly string[] };
  }): Promise<[object]>;
  deleteService(request: { name: string; etag?: string }): Promise<[object]>;
  getRevision(request: { name: string }): Promise<[object]>;
  getIamPolicy(request: { resource: string }): Promise<[object]>;
  setIamPolicy(request: { resource: string }): Promise<[object]>;
  /** An HTTP request to a revision's own address. */
  fetch(url: string): Promise<{ ok: boolean; status: number; text: () => Promise<string> }>;
}

/** The share of revisions that never start, and of those that answer wrongly: a deployment fails by them. */
const BAD = 0.05;

/** Cloud Run's services. `changed` hears of each change right after it was made. */
export function makeServices(
  kernel: Kernel,
  files: SimulatedFiles,
  changed: (service: Service) => void,
): SimulatedServices {
  const { scheduler, random } = kernel;
  const all = new Map<string, Service>();
  const fail = () => codedError(GRPC.unavailable, 'the service did not answer');
  const call = <T>(what: string, reads: boolean, effect: () => T) =>
    kernel.processes.call(what, effect, { fail, reads });
  const mustFind = (name: string): Service => {
    const found = all.get(name);
    if (found === undefined) throw codedError(GRPC.notFound, `there is no ${name}`);
    return found;
  };
  let etags = 0;
  const nextEtag = () => `"${++etags}"`;
  const requireUnchanged = (service: Service, etag: string | undefined) => {
    if (etag !== undefined && etag !== service.etag) throw codedError(GRPC.aborted, 'changed meanwhile');
  };
  const put = (service: Service, template: Template) => {
    service.template = template;
    if (service.revisions.has(template.revision)) return;
    const env = Object.fromEntries(
      (template.containers[0]?.env ?? []).map(({ name, value }) => [name, value]),
    );
    service.revisions.set(template.revision, {
      env,
      readyAt: scheduler.now() + random.between(500, 7000),
      broken: random.chance(BAD),
      wrong: random.chance(BAD),
      sick: random.chance(BAD),
    });
  };
  const started = (revision: Revision | undefined) =>
    revision !== undefined && revision.readyAt <= scheduler.now();
  const addressOf = (service: Service, tag: string) => `http://${tag}---${service.name.replaceAll('/', '.')}`;

  return {
    all,
    getService: ({ name }) =>
      call('getService', true, () => {
        const service = mustFind(name);
        const newest = service.revisions.get(service.template.revision);
        const settled = started(newest);
        return [
          {
            uri: `http://${name.replaceAll('/', '.')}`,
            etag: service.etag,
            template: { revision: service.template.revision },
            reconciling: !settled,
            terminalCondition:
              newest?.broken === true
                ? { state: 'CONDITION_FAILED', message: 'the container stopped' }
                : { state: 'CONDITION_SUCCEEDED' },
            traffic: service.traffic.map((one) => ({ ...one })),
            trafficStatuses: service.traffic.map(({ tag, revision, percent }) => ({
              revision,
              percent,
              ...(tag === undefined ? {} : { tag, uri: addressOf(service, tag) }),
            })),
          },
        ];
      }),
    createService: ({ parent, serviceId, service: { template, traffic } }) =>
      call('createService', false, () => {
        const name = `${parent}/services/${serviceId}`;
        if (all.has(name)) throw codedError(GRPC.alreadyExists, `${name} exists`);
        const service: Service = {
          name,
          template,
          traffic: [...traffic],
          revisions: new Map(),
          open: false,
          etag: nextEtag(),
        };
        put(service, template);
        all.set(name, service);
        changed(service);
        return [{ metadata: { etag: service.etag } }];
      }),
    updateService: ({ service: { name, template, traffic, etag }, updateMask: { paths } }) =>
      call('updateService', false, () => {
        const service = mustFind(name);
        requireUnchanged(service, etag);
        service.etag = nextEtag();
        if (paths.includes('template') && template !== undefined) put(service, template);
        if (paths.includes('traffic') && traffic !== undefined) service.traffic = [...traffic];
        changed(service);
        return [{}];
      }),
    deleteService: ({ name, etag }) =>
      call('deleteService', false, () => {
        requireUnchanged(mustFind(name), etag);
        all.delete(name);
        return [{}];
      }),
    getRevision: ({ name }) =>
      call('getRevision', true, () => {
        const [service = '', id = ''] = name.split('/revisions/');
        const revision = all.get(service)?.revisions.get(id);
        if (revision === undefined) throw codedError(GRPC.notFound, `there is no ${name}`);
        const state = !started(revision) ? 'RECONCILING' : revision.broken ? 'FAILED' : 'SUCCEEDED';
        return [
          { conditions: [{ type: 'Ready', state: `CONDITION_${state}`, message: 'the container stopped' }] },
        ];
      }),
    getIamPolicy: ({ resource }) =>
      call('getIamPolicy', true, () => {
        const bindings = mustFind(resource).open
          ? [{ role: 'roles/run.invoker', members: ['allUsers'] }]
          : [];
        return [{ bindings }];
      }),
    setIamPolicy: ({ resource }) =>
      call('setIamPolicy', false, () => {
        mustFind(resource).open = true;
        return [{}];
      }),
    fetch: (url) => {
      const answer = (status: number, body: unknown) => ({
        ok: status === 200,
        status,
        text: async () => JSON.stringify(body),
      });
      const unreachable = () => new TypeError('fetch failed');
      return kernel.processes.call(
        `fetch ${url}`,
        () => {
          const [service, target] = [...all.values()]
            .flatMap((one) => one.traffic.map((to) => [one, to] as const))
            .find(([one, to]) => to.tag !== undefined && url.startsWith(`${addressOf(one, to.tag)}/`)) ?? [
            undefined,
            undefined,
          ];
          const revision = service?.revisions.get(target?.revision ?? '');
          if (revision === undefined || !started(revision) || revision.broken) throw unreachable();
          if (url.endsWith('/v1/health')) {
            const version = revision.env['TRADEWIND_VERSION'];
            return revision.sick
              ? answer(503, {})
              : answer(200, { status: 'ok', version, customers: 1, items: 1 });
          }
          const artifact = revision.env['TRADEWIND_ARTIFACT'] ?? '';
          const lists: unknown = JSON.parse(
            files.text(artifact.replace(/[^/]*$/, 'offline-lists.json')) ?? '[]',
          );
          return answer(200, {
            version: revision.env['TRADEWIND_VERSION'],
            lists: revision.wrong ? [] : lists,
          });
        },
        { fail: unreachable, reads: true },
      );
    },
  };
}
