/** Instances of Cloud SQL, as sources name them. */
import { z } from 'zod';

/** `project:region:instance`; older projects are of a domain: `example.com:shop:europe-west1:orders`. */
const CONNECTION_NAME =
  /^((?:[a-z0-9][a-z0-9.-]{0,60}:)?[a-z][a-z0-9-]{4,28}[a-z0-9]):([a-z][a-z0-9-]{1,40}):([a-z][a-z0-9-]{0,97})$/;

/**
 * The source's host is the connection name of a Cloud SQL instance. It is reached at the port that Cloud SQL has for that, both
 * sides show certificates, and the source's own port and TLS settings play no part.
 */
export const CloudSqlWay = z.strictObject({
  /** By which of its addresses; `private` and `psc` are in networks that the operator has to allow. */
  address: z.enum(['public', 'private', 'psc']).default('public'),
});
export type CloudSqlWay = z.infer<typeof CloudSqlWay>;

/** Where an instance is: the parts of its connection name. */
export interface CloudSqlName {
  readonly project: string;
  readonly region: string;
  readonly instance: string;
}

/** The parts of an instance's connection name; null where it is none. */
export function readConnectionName(name: string): CloudSqlName | null {
  const [, project, region, instance] = CONNECTION_NAME.exec(name) ?? [];
  return project === undefined || region === undefined || instance === undefined
    ? null
    : { project, region, instance };
}

/** What of a server's settings goes together with an instance, or does not. */
interface Checked {
  readonly host: string;
  readonly cloudSql?: CloudSqlWay | undefined;
  readonly tunnel?: unknown;
  readonly sslMode: string;
  readonly ca?: string | undefined;
}

/** Adds what is wrong with settings that name an instance. */
export function checkCloudSql(settings: Checked, context: z.RefinementCtx): void {
  const issue = (path: string, message: string) =>
    context.addIssue({ code: 'custom', path: [path], message });
  if (settings.cloudSql === undefined) return;
  if (readConnectionName(settings.host) === null)
    issue('host', 'must be the connection name of a Cloud SQL instance: project:region:instance');
  if (settings.tunnel !== undefined)
    issue('tunnel', 'must be left out: a Cloud SQL instance is reached without one');
  if (settings.ca !== undefined || !['prefer', 'disable'].includes(settings.sslMode))
    issue(
      'sslMode',
      'must be left out, and ca too: Cloud SQL is always encrypted, by certificates of its own',
    );
}
