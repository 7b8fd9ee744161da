/** Every kind of source there is: the only list. Adding a kind is adding a folder and a line here. */
import type { SourceKind } from '#core/source';
import { bigquery } from './bigquery/bigquery.ts';
import type { Connector } from './connector.ts';
import { csv } from './csv/csv.ts';
import { mysql } from './mysql/mysql.ts';
import { parquet } from './parquet/parquet.ts';
import { postgres } from './postgres/postgres.ts';
import { sqlserver } from './sqlserver/sqlserver.ts';

/** The connectors by kind; the compiler refuses a kind without one. */
export const connectors: Readonly<Record<SourceKind, Connector>> = {
  postgres,
  mysql,
  sqlserver,
  bigquery,
  csv,
  parquet,
};
