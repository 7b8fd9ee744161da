import { z } from 'zod';
import { AlertChannel } from './alert.ts';
import { ApiKey } from './api-key.ts';
import { AuditRecord } from './audit.ts';
import { Dataset } from './dataset.ts';
import { Deployment, isOnItsWay } from './deployment.ts';
import { EtlRun, EtlTable } from './etl-run.ts';
import { Id } from './ids.ts';
import { Model } from './model.ts';
import { PipelineConfig } from './pipeline-config.ts';
import { PipelineRun } from './pipeline-run.ts';
import { Firing, Schedule } from './schedule.ts';
import { Source, SourceTable } from './source.ts';
import { Member } from './tenant.ts';
import { RunUsage } from './usage.ts';
import { Alias, Version } from './version.ts';

/** What an import knows of itself when a document arrives. */
export interface Arrival {
  readonly import: string;
  /** Now. */
  readonly at: string;
  /** The bucket in which the tenant's objects lie here. */
  readonly bucket: string;
  /** `<tenant>/<model>/` of the document's model, by the ids that hold here; empty for what belongs to no model. */
  readonly prefix: string;
}

/** A collection of a tenant that its export carries. */
export interface Carried {
  /** Path below the tenant; `*` stands for an id. */
  readonly path: string;
  readonly schema: z.ZodType<Readonly<Record<string, unknown>>>;
  /**
   * The document as it is to be where it arrives; null where it is not brought. Absent: nothing of the collection is.
   * What runs or answers somewhere else must not look as if it did here.
   */
  readonly arrive?: (value: unknown, arrival: Arrival) => Readonly<Record<string, unknown>> | null;
}

function carried<S extends z.ZodType<Readonly<Record<string, unknown>>>>(
  path: string,
  schema: S,
  arrive?: (value: z.output<S>, arrival: Arrival) => z.input<S> | null,
): Carried {
  // A document was parsed by this very schema before it arrives, which the erased type cannot say.
  return {
    path,
    schema,
    ...(arrive === undefined ? {} : { arrive: arrive as unknown as NonNullable<Carried['arrive']> }),
  };
}

const asItIs = <T>(value: T): T => value;
/** A run that was under way where it was exported goes on there, not here. */
const onlyIfOver = <T extends { readonly finishedAt: string | null }>(value: T): T | null =>
  value.finishedAt === null ? null : value;

/**
 * What an export holds and an import brings, in this order: a document comes after the one it belongs to. People, keys and
 * usage are in the file for the record: a person is let in by an invitation, a key's token is kept nowhere, and what was
 * used was used, and is paid, where it was.
 */
export const CARRIED: readonly Carried[] = [
  carried('members/*', Member),
  carried('apiKeys/*', ApiKey),
  // For the record: secrets are in no file, and members are others here.
  carried('alertChannels/*', AlertChannel),
  carried('audit/*', AuditRecord, (entry, arrival) => ({
    ...entry,
    // What a file says was done later than now would wait for its seal until then.
    at: entry.at < arrival.at ? entry.at : arrival.at,
    block: null,
    imported: arrival.import,
  })),
  carried('usage/*/runs/*', RunUsage),
  carried('models/*', Model, (model) => ({
    ...model,
    status: model.status === 'active' ? 'draft' : model.status,
    liveDeployment: null,
    traffic: [],
  })),
  carried('models/*/sources/*', Source, (source, arrival) => ({
    ...source,
    settings:
      'uris' in source.settings
        ? { ...source.settings, uris: source.settings.uris.map((uri) => ownUri(uri, arrival, 'uploads/')) }
        : source.settings,
    credentialsSetAt: null,
  })),
  // Nothing is loaded here yet.
  carried('models/*/sources/*/tables/*', SourceTable, (table) => ({
    ...table,
    loaded: null,
    proposal: null,
    next: null,
    former: [],
  })),
  carried('models/*/etlRuns/*', EtlRun, onlyIfOver),
  carried('models/*/etlRuns/*/tables/*', EtlTable, asItIs),
  carried('models/*/datasets/*', Dataset, asItIs),
  carried('models/*/pipelineConfigs/*', PipelineConfig, asItIs),
  carried('models/*/schedules/*', Schedule, (schedule) => ({ ...schedule, paused: true, nextDue: null })),
  carried('models/*/schedules/*/firings/*', Firing, asItIs),
  carried('models/*/pipelineRuns/*', PipelineRun, onlyIfOver),
  carried('models/*/versions/*', Version, (version, arrival) => ({
    ...version,
    artifact: ownUri(version.artifact, arrival, 'runs/'),
  })),
  carried('models/*/versionNumbers/*', z.object({ version: Id }), asItIs),
  carried('models/*/aliases/*', Alias, asItIs),
  carried('models/*/deployments/*', Deployment, (deployment, { at }) => ({
    ...deployment,
    ...(isOnItsWay(deployment.status) || deployment.status === 'live'
      ? { status: 'stopped' as const, finishedAt: at }
      : {}),
    service: null,
    revision: null,
    url: null,
    canary: null,
    wish: null,
    rescaling: null,
  })),
];

/** Collections that no export carries: secrets, what is made anew, and traces of work. */
export const LEFT_OUT: readonly string[] = [
  'invitations/*',
  'auditBlocks/*',
  'alertDeliveries/*',
  'exports/*',
  'imports/*',
  'usage/*',
  'models/*/alertStates/*',
  'models/*/alerts/*',
  'models/*/connectionTests/*',
  'models/*/etlRuns/*/units/*',
  'models/*/locks/*',
  'models/*/startRefusals/*',
];

/**
 * The address under which an object of the model lies here. One of somebody else's bucket stays as it is: whether it may
 * be read is asked when it is. One that claims to be the model's own lies below the model's own prefix and nowhere else.
 */
function ownUri(uri: string, { bucket, prefix }: Arrival, folder: string): string {
  const [, rest] = new RegExp(`^gs://[^/]+/${prefix}(${folder}.+)$`, 's').exec(uri) ?? [];
  if (rest !== undefined && !/(^|[/\\])\.\.?([/\\]|$)/.test(rest)) return `gs://${bucket}/${prefix}${rest}`;
  return folder === 'uploads/' ? uri : `gs://${bucket}/${prefix}runs/unknown`;
}

/** The collection's pattern that `path` (below the tenant) fits; null where none does. */
export function carriedAs(path: string): Carried | null {
  const parts = path.split('/');
  return (
    CARRIED.find(({ path: pattern }) => {
      const wanted = pattern.split('/');
      return wanted.length === parts.length && wanted.every((one, at) => one === '*' || one === parts[at]);
    }) ?? null
  );
}

/** A part of a path that can be a document's id. */
export const PathPart = /^[A-Za-z0-9][A-Za-z0-9_~.-]{0,127}$/;
