/** Instances of Cloud SQL, as a connector sees them. */
import type { CloudSqlName, CloudSqlWay } from '#core/cloud-sql';

/** Where an instance is connected to, and what its certificate must say. */
export interface InstancePlace {
  /** An address, or for Private Service Connect a name. */
  readonly host: string;
  /** `POSTGRES_16`, `MYSQL_8_0`, `SQLSERVER_2022_STANDARD`, … */
  readonly version: string;
  /** PEM: the authority of this instance, the only one that is trusted. */
  readonly ca: string;
  /** In its certificate; '' where only `project:instance` is, as the subject. */
  readonly dnsName: string;
}

/** What lets this process in, for an hour. PEM. */
export interface Admission {
  readonly certificate: string;
  readonly privateKey: string;
}

/** Instances as one account, which may do so on behalf of one tenant. Errors are coded. */
export interface CloudSqlInstances {
  /** Who asks, for people. */
  readonly account: string;
  /**
   * @throws TerminalError `cloud-sql-refused`, `cloud-sql-not-found`, `cloud-sql-forbidden`, `cloud-sql-no-address`,
   *   `sign-in-refused`; TransientError `source-unreachable`
   */
  place(name: CloudSqlName, way: CloudSqlWay, signal: AbortSignal): Promise<InstancePlace>;
  /** @throws as `place` */
  admit(name: CloudSqlName, signal: AbortSignal): Promise<Admission>;
}
