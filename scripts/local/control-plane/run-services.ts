import { randomUUID } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import type { OpenJournal, Policy, Service, ServiceRecord } from './journal.ts';
import { containerSpec } from './containers.ts';
import type { Operations } from './operations.ts';
import { RpcError, found, idOf, invalid, page, parentOf, timestamp, unary } from './rpc.ts';
import { planRevision } from './service-controller.ts';
import type { ServiceController } from './service-controller.ts';
import { resolveTraffic, servingRevisions } from './traffic.ts';

type ListRequest = { parent: string; pageSize?: number; pageToken?: string };
type Named = { name: string };

/** Fields of a service that its caller writes; the others are the controller's. */
const WRITABLE = [
  'description',
  'labels',
  'annotations',
  'client',
  'clientVersion',
  'ingress',
  'launchStage',
  'template',
  'traffic',
  'scaling',
  'invokerIamDisabled',
  'defaultUriDisabled',
  'customAudiences',
] as const satisfies readonly (keyof Service)[];

/** The gRPC services Services and Revisions of Cloud Run. @param origin of the ingress */
export function serviceServices(
  open: OpenJournal,
  controller: ServiceController,
  operations: Operations,
  origin: string,
): { services: UntypedServiceImplementation; revisions: UntypedServiceImplementation } {
  const { journal, save } = open;
  const record = (name: string): ServiceRecord => found(journal.services[name], name);

  /** Accepts a definition: a revision where the template is new, then the controller's work in the background. */
  function accept(wanted: ServiceRecord): ReturnType<Operations['create']> {
    const { service } = wanted;
    const name = service.name ?? '';
    containerSpec(service.template?.containers);
    const revision = planRevision(wanted, Date.now());
    if (revision !== null && wanted.revisions.some((one) => one.name === revision.name))
      throw new RpcError(
        status.ALREADY_EXISTS,
        `Revision named '${idOf(revision.name ?? '')}' with different configuration already exists.`,
      );
    const revisions = revision === null ? wanted.revisions : [...wanted.revisions, revision];
    resolveTraffic(service.traffic, revisions, null, () => ''); // refused now, not in the background
    const generation = Number(service.generation ?? 0) + 1;
    const settled: Service = {
      ...service,
      generation,
      etag: `"${service.uid ?? ''}-${generation}"`,
      updateTime: timestamp(Date.now()),
      reconciling: true,
      ...(revision === null ? {} : { latestCreatedRevision: revision.name ?? '' }),
    };
    journal.services[name] = { service: settled, revisions };
    save();
    void controller.reconcile(name);
    return operations.create({ kind: 'service', name, generation });
  }

  return {
    services: {
      createService: unary(
        ({ parent, serviceId, service }: { parent: string; serviceId: string; service: Service }) => {
          const name = `${parent}/services/${serviceId}`;
          if (!/^[a-z]([a-z0-9-]{0,47}[a-z0-9])?$/.test(serviceId))
            throw invalid(
              `serviceId '${serviceId}': lower-case letters, digits and dashes, beginning with a letter, at most 49.`,
            );
          if (journal.services[name] !== undefined)
            throw new RpcError(status.ALREADY_EXISTS, `Resource '${name}' already exists.`);
          const uri = `${origin}/${serviceId}`;
          const made: Service = {
            ...service,
            name,
            uid: randomUUID(),
            uri,
            urls: [uri],
            createTime: timestamp(Date.now()),
          };
          return accept({ service: made, revisions: [] });
        },
      ),
      updateService: unary(
        ({
          service,
          updateMask,
          allowMissing,
        }: {
          service: Service;
          updateMask?: { paths?: string[] };
          allowMissing?: boolean;
        }) => {
          const name = service.name ?? '';
          const former = journal.services[name];
          if (former === undefined && allowMissing === true) {
            const uri = `${origin}/${idOf(name)}`;
            return accept({
              service: { ...service, uid: randomUUID(), uri, urls: [uri], createTime: timestamp(Date.now()) },
              revisions: [],
            });
          }
          const { service: kept, revisions } = found(former, name);
          requireUnchanged(kept, service.etag);
          return accept({ service: { ...kept, ...written(service, updateMask?.paths ?? []) }, revisions });
        },
      ),
      getService: unary(({ name }: Named) => record(name).service),
      listServices: unary((request: ListRequest) => {
        const below = Object.values(journal.services)
          .map(({ service }) => service)
          .filter(({ name }) => name?.startsWith(`${request.parent}/services/`));
        const { items, nextPageToken } = page(below, request);
        return { services: items, nextPageToken };
      }),
      deleteService: unary(({ name, etag }: Named & { etag?: string }) => {
        const gone = record(name);
        requireUnchanged(gone.service, etag);
        delete journal.services[name];
        delete journal.policies[name];
        save();
        void controller.remove(gone);
        return operations.create({ kind: 'deleted', type: 'service', resource: gone.service });
      }),
      getIamPolicy: unary(({ resource }: { resource: string }) => {
        record(resource);
        return withEtag(journal.policies[resource] ?? {});
      }),
      setIamPolicy: unary(({ resource, policy }: { resource: string; policy: Policy }) => {
        record(resource);
        journal.policies[resource] = { bindings: policy.bindings ?? [] };
        save();
        return withEtag(policy);
      }),
    },
    revisions: {
      getRevision: unary(({ name }: Named) => {
        const { revisions } = record(parentOf(name));
        return found(
          revisions.find((revision) => revision.name === name),
          name,
        );
      }),
      listRevisions: unary((request: ListRequest) => {
        const { items, nextPageToken } = page(record(request.parent).revisions.toReversed(), request);
        return { revisions: items, nextPageToken };
      }),
      deleteRevision: unary(({ name }: Named) => {
        const owner = record(parentOf(name));
        const revision = found(
          owner.revisions.find((one) => one.name === name),
          name,
        );
        if (servingRevisions(owner.service.trafficStatuses).has(idOf(name)))
          throw new RpcError(
            status.FAILED_PRECONDITION,
            `Revision '${idOf(name)}' receives traffic or has a tag; take those away first.`,
          );
        if (owner.service.latestCreatedRevision === name)
          throw new RpcError(
            status.FAILED_PRECONDITION,
            `Revision '${idOf(name)}' is the latest of its service and cannot be deleted.`,
          );
        owner.revisions = owner.revisions.filter((one) => one !== revision);
        save();
        return operations.create({ kind: 'deleted', type: 'revision', resource: revision });
      }),
    },
  };
}

/** Refuses a change that was meant for the service as it was before another one. */
function requireUnchanged(service: Service, etag: string | null | undefined): void {
  if (etag && etag !== service.etag)
    throw new RpcError(
      status.ABORTED,
      `The service was changed meanwhile: its etag is not ${etag} any more.`,
    );
}

/** The fields that an update writes: those of the mask (top level), or all writable ones where there is no mask. */
function written(service: Service, mask: readonly string[]): Service {
  const camel = (path: string): string =>
    (path.split('.')[0] ?? '').replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const masked = new Set(mask.map(camel));
  const fields = WRITABLE.filter((field) => masked.size === 0 || masked.has('*') || masked.has(field));
  return Object.fromEntries(fields.map((field) => [field, service[field]]));
}

function withEtag(policy: Policy): object {
  return { version: 1, bindings: policy.bindings ?? [], etag: Buffer.from('local') };
}
