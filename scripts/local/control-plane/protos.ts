import { loadPackageDefinition } from '@grpc/grpc-js';
import type { GrpcObject, ServiceDefinition } from '@grpc/grpc-js';
import { fromJSON } from '@grpc/proto-loader';
import { createRequire } from 'node:module';

/** The official service definitions, as shipped inside the official clients. */
export interface Services {
  readonly services: ServiceDefinition;
  readonly revisions: ServiceDefinition;
  readonly jobs: ServiceDefinition;
  readonly executions: ServiceDefinition;
  readonly tasks: ServiceDefinition;
  readonly operations: ServiceDefinition;
  readonly customJobs: ServiceDefinition;
  readonly scheduler: ServiceDefinition;
}

const require = createRequire(import.meta.url);

/** Loads them: about 0.5 s, nearly all of it Vertex AI's. */
export function loadServices(): Services {
  const run = load('@google-cloud/run/build/protos/protos.json');
  const vertex = load('@google-cloud/aiplatform/build/protos/protos.json', (google) => {
    // The beta half of Vertex AI is as large as the rest and not used.
    delete (google['cloud'] as Nested).nested['aiplatform']?.nested?.['v1beta1'];
  });
  const scheduler = load('@google-cloud/scheduler/build/protos/protos.json');
  const v2 = 'google.cloud.run.v2';
  return {
    services: service(run, `${v2}.Services`),
    revisions: service(run, `${v2}.Revisions`),
    jobs: service(run, `${v2}.Jobs`),
    executions: service(run, `${v2}.Executions`),
    tasks: service(run, `${v2}.Tasks`),
    operations: service(run, 'google.longrunning.Operations'),
    customJobs: service(vertex, 'google.cloud.aiplatform.v1.JobService'),
    scheduler: service(scheduler, 'google.cloud.scheduler.v1.CloudScheduler'),
  };
}

/** The shape of protobuf's JSON descriptors that is relied on here. */
interface Nested {
  nested: Record<string, Nested | undefined>;
}

function load(file: string, trim: (google: Record<string, unknown>) => void = () => undefined): GrpcObject {
  const json = require(file) as Nested;
  trim(json.nested['google']?.nested ?? {});
  // Unset fields stay unset (defaults: false): what is stored is what was sent.
  return loadPackageDefinition(
    fromJSON(json as Parameters<typeof fromJSON>[0], { longs: String, enums: String, oneofs: true }),
  );
}

function service(root: GrpcObject, path: string): ServiceDefinition {
  let at: unknown = root;
  for (const part of path.split('.')) at = (at as Record<string, unknown> | undefined)?.[part];
  // A service's client constructor carries its definition.
  const definition = (at as { service?: ServiceDefinition } | undefined)?.service;
  if (definition === undefined) throw new Error(`the clients' definitions have no service ${path}`);
  return definition;
}

/** `resource` as a protobuf Any, encoded by a method of `definition` that answers with its type. */
export function toAny(
  definition: ServiceDefinition,
  method: string,
  typeName: string,
  resource: unknown,
): { typeUrl: string; value: Buffer; type_url: string } {
  const found = definition[method];
  if (found === undefined) throw new Error(`no method ${method}`);
  // Both spellings: proto-loader treats Any specially in some versions.
  const url = `type.googleapis.com/${typeName}`;
  return { typeUrl: url, type_url: url, value: found.responseSerialize(resource) };
}
