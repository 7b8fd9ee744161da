import { randomUUID } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import type { OpenJournal, OperationRecord } from './journal.ts';
import { toAny } from './protos.ts';
import type { Services } from './protos.ts';
import { found, locationOf, milliseconds, page, unary } from './rpc.ts';

/** A long-running operation as it travels. */
export interface Operation {
  readonly name: string;
  readonly done: boolean;
  readonly metadata?: object;
  readonly response?: object;
  readonly error?: { readonly code: number; readonly message: string };
}

/** How far the resource of an operation has come. */
export interface Progress {
  readonly resource: object;
  readonly done: boolean;
  readonly failure: string | null;
}

/** Long-running operations: names for "what becomes of this resource". */
export interface Operations {
  /** A new operation about a resource that is in the journal (or was, for `deleted`). */
  create(about: OperationRecord['about']): Operation;
  readonly service: UntypedServiceImplementation;
}

const WAIT_STEP_MS = 25;
const TYPES = {
  job: ['jobs', 'GetJob', 'google.cloud.run.v2.Job'],
  execution: ['executions', 'GetExecution', 'google.cloud.run.v2.Execution'],
  service: ['services', 'GetService', 'google.cloud.run.v2.Service'],
  revision: ['revisions', 'GetRevision', 'google.cloud.run.v2.Revision'],
  customJob: ['customJobs', 'GetCustomJob', 'google.cloud.aiplatform.v1.CustomJob'],
} as const;

/**
 * Opens the operations of a journal.
 * @param progressOf the present state of the resource an operation is about; null where it is gone
 */
export function openOperations(
  { journal, save }: OpenJournal,
  definitions: Services,
  progressOf: (about: OperationRecord['about']) => Progress | null,
): Operations {
  const show = (record: OperationRecord): Operation => {
    const { about, name } = record;
    if (about.kind === 'deleted' && about.type === 'customJob')
      return { name, done: true, response: { typeUrl: EMPTY, type_url: EMPTY, value: Buffer.alloc(0) } };
    const progress = progressOf(about);
    if (progress === null)
      return { name, done: true, error: { code: status.NOT_FOUND, message: 'The resource was deleted.' } };
    const [service, method, type] = TYPES[about.kind === 'deleted' ? about.type : about.kind];
    const any = toAny(definitions[service], method, type, progress.resource);
    if (!progress.done) return { name, done: false, metadata: any };
    if (progress.failure === null) return { name, done: true, metadata: any, response: any };
    return {
      name,
      done: true,
      metadata: any,
      error: { code: status.FAILED_PRECONDITION, message: progress.failure },
    };
  };

  return {
    create(about) {
      const resource = about.kind === 'deleted' ? (about.resource as { name?: string }).name : about.name;
      const name = `${locationOf(resource ?? '')}/operations/${randomUUID()}`;
      const record = { name, createTime: Date.now(), about };
      journal.operations[name] = record;
      save();
      return show(record);
    },
    service: {
      getOperation: unary(({ name }: { name: string }) => show(found(journal.operations[name], name))),
      listOperations: unary((request: { name: string; pageSize?: number; pageToken?: string }) => {
        const below = Object.values(journal.operations).filter(({ name }) =>
          name.startsWith(`${request.name}/`),
        );
        const { items, nextPageToken } = page(below, request);
        return { operations: items.map(show), nextPageToken };
      }),
      waitOperation: unary(
        async ({ name, timeout }: { name: string; timeout?: { seconds?: string; nanos?: number } }) => {
          const until = Date.now() + milliseconds(timeout, 30_000);
          for (;;) {
            const operation = show(found(journal.operations[name], name));
            if (operation.done || Date.now() > until) return operation;
            await new Promise((resolve) => setTimeout(resolve, WAIT_STEP_MS));
          }
        },
      ),
    },
  };
}

const EMPTY = 'type.googleapis.com/google.protobuf.Empty';
