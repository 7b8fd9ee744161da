/**
 * What tables were at moments that have passed. BigQuery goes back to any moment of the last days; here a version is kept from
 * the first time that somebody reads it as of a moment, for some minutes after its table has changed, the last few longer.
 * Any other is refused, never guessed.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import type { TableRecord } from './catalog.ts';
import { tableSql } from './sql/from-clause.ts';
import type { TableInfo } from './sql/scope.ts';
import { SqlError } from './sql/sql-error.ts';
import type { Position } from './sql/sql-error.ts';
import { quoteName } from './sql/types.ts';

const SCHEMA = '$history';
/** Versions kept of a table, however old. */
const KEPT = 4;
/** Of those before them, so many, for so long after they have passed: who copies a table that changes all the time is slower. */
const KEPT_YOUNG = 100;
const YOUNG_MS = 5 * 60_000;

interface Version {
  readonly record: TableRecord;
  /** Milliseconds since 1970 at which the table was so first, and at which it was so no more; null while it is. */
  readonly since: number;
  until: number | null;
  readonly info: TableInfo;
  /** Resolves when it can be read; null before. */
  stored: Promise<void> | null;
}

export class History {
  readonly #generations = new Map<string, number>();
  readonly #versions = new Map<string, Version[]>();

  static async open(connection: DuckDBConnection): Promise<History> {
    // Versions of a former process: what happened to their tables since is not known.
    await connection.run(`DROP SCHEMA IF EXISTS ${quoteName(SCHEMA)} CASCADE`);
    await connection.run(`CREATE SCHEMA ${quoteName(SCHEMA)}`);
    return new History();
  }

  /** The table has changed, or is gone: what is kept of it is the past from now on. */
  changed({ dataset, table }: Pick<TableRecord, 'dataset' | 'table'>, at: number): void {
    const name = `${dataset}.${table}`;
    this.#generations.set(name, (this.#generations.get(name) ?? 0) + 1);
    for (const version of this.#versions.get(name) ?? []) version.until ??= at;
  }

  /** The table as it was at `moment`; `keep` must have been called for it before it is read. */
  at(current: TableRecord, info: TableInfo, moment: number, at: Position | null): TableInfo {
    const name = `${current.dataset}.${current.table}`;
    const path = `${info.project}:${name}`;
    if (moment < Number(current.creationTime))
      throw new SqlError(
        `Invalid snapshot time ${moment} for table ${path}. Cannot read before ${current.creationTime}`,
        at,
        'invalid',
      );
    const versions = this.#versions.get(name) ?? [];
    const past = versions.find(({ since, until }) => since <= moment && until !== null && until > moment);
    if (past !== undefined) return past.info;
    if (Number(current.lastModifiedTime) > moment)
      throw new SqlError(
        `not supported by the local BigQuery: ${path} as it was at ${moment}; it has changed since, and nobody had read it so before`,
        at,
        'notImplemented',
      );
    const newest = versions.find(({ until }) => until === null);
    if (newest !== undefined) return newest.info;
    const generation = this.#generations.get(name) ?? 0;
    const sql = `${quoteName(SCHEMA)}.${quoteName(`${name}@${generation}`)}`;
    const since = Number(current.lastModifiedTime);
    const version: Version = {
      record: current,
      since,
      until: null,
      info: { ...info, sql },
      stored: null,
    };
    this.#versions.set(name, [...versions, version]);
    return version.info;
  }

  /** Stores the versions that `at` has answered and that are not stored yet. Outside of transactions. */
  async keep(connection: DuckDBConnection, plain: (record: TableRecord) => TableInfo): Promise<void> {
    for (const [name, versions] of this.#versions) {
      for (const version of versions) {
        if (version.stored === null && version.until === null)
          version.stored = this.#store(connection, name, version, plain(version.record));
        // Asked for by a dry run alone, and changed since.
        if (version.stored === null) await this.#forget(connection, name, version);
        else await version.stored;
      }
      for (const old of outdated(this.#versions.get(name) ?? [])) await this.#forget(connection, name, old);
    }
  }

  async #store(connection: DuckDBConnection, name: string, version: Version, now: TableInfo): Promise<void> {
    await connection.run(`CREATE TABLE ${tableSql(version.info)} AS SELECT * FROM ${tableSql(now)}`);
    // Changed while it was stored: which of the two it holds is not known, and whoever wanted it finds it missing.
    if (version.until !== null) await this.#forget(connection, name, version);
  }

  async #forget(connection: DuckDBConnection, name: string, version: Version): Promise<void> {
    this.#versions.set(
      name,
      (this.#versions.get(name) ?? []).filter((one) => one !== version),
    );
    await connection.run(`DROP TABLE IF EXISTS ${tableSql(version.info)}`);
  }
}

/** Those of `versions`, oldest first, that are kept no longer: nothing depends on how old the newest is. */
function outdated(versions: readonly Version[]): Version[] {
  const newest = Number(versions.at(-1)?.since ?? 0);
  return versions.filter(
    ({ until }, index) =>
      index < versions.length - KEPT &&
      (index < versions.length - KEPT_YOUNG || newest - (until ?? newest) > YOUNG_MS),
  );
}
