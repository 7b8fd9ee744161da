/** Instances of Cloud SQL, as sources name them. */
import { z } from 'zod';

/** `project:region:instance`; older projects are of a domain: `example.com:shop:europe-west1:orders`. */
const CONNECTION_NAME =
  /^((?:[a-z0-9][a-z0-9.-]{0,60}:)?[a-z][a-z0-9-]{4,28}[a-z0-9]):([a-z][a-z0-9-]{1,40}):([a-z][a-z0-9-]{0,97})$/;

/** By which of its addresses an instance is reached. */
export const CloudSqlAddress = z.enum(['public', 'private', 'psc']);
export type CloudSqlAddress = z.infer<typeof CloudSqlAddress>;

/** The source's host is a Cloud SQL instance, reached by Cloud SQL's own connector and encrypted by it. */
export const CloudSqlWay = z.strictObject({
  /** `private` and `psc` lead through networks of the operator's, who has to allow them. */
  address: CloudSqlAddress.default('public'),
});
export type CloudSqlWay = z.infer<typeof CloudSqlWay>;

/** The parts of an instance's connection name; null where it is none. */
export function readConnectionName(
  name: string,
): { readonly project: string; readonly region: string; readonly instance: string } | null {
  const [, project, region, instance] = CONNECTION_NAME.exec(name) ?? [];
  return project === undefined || region === undefined || instance === undefined
    ? null
    : { project, region, instance };
}

/** Adds what is wrong with settings that name an instance. */
export function checkCloudSql(
  settings: {
    readonly host: string;
    readonly cloudSql?: CloudSqlWay | undefined;
    readonly tunnel?: unknown;
  },
  context: z.core.$RefinementCtx,
): void {
  if (settings.cloudSql === undefined) return;
  const issue = (path: string, message: string) =>
    context.issues.push({ code: 'custom', path: [path], message, input: settings });
  if (readConnectionName(settings.host) === null)
    issue('host', 'must be the connection name of a Cloud SQL instance: project:region:instance');
  if (settings.tunnel !== undefined)
    issue('tunnel', 'must be left out: a Cloud SQL instance is reached by itself');
}
