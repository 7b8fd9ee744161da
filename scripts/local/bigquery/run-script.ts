/** Runs the statements of one query job, in order, on one connection. */
import type { DuckDBConnection, DuckDBMaterializedResult } from '@duckdb/node-api';
import { rowWidth } from './catalog.ts';
import type { Catalog, TableRecord } from './catalog.ts';
import { scalar, transaction } from './database.ts';
import { RestError, isConflict } from './rest-error.ts';
import { makeEnv } from './script-env.ts';
import { exportRows } from './transfer.ts';
import { twiceMessage } from './sql/dml.ts';
import { tableSql } from './sql/from-clause.ts';
import type { Plan, TableSettings } from './sql/plan.ts';
import type { Expr, OutputColumn } from './sql/scope.ts';
import { SqlError } from './sql/sql-error.ts';
import { planStatement, positionOf, splitScript } from './sql/statement.ts';
import type { StatementText } from './sql/statement.ts';

/** What a script runs with. */
export interface ScriptInput {
  readonly catalog: Catalog;
  readonly storageDir: string;
  readonly query: string;
  readonly params: ReadonlyMap<string, Expr>;
  readonly positional: readonly Expr[];
  readonly defaultDataset: string | null;
  /** Where the job was asked to run: it sees no data set elsewhere. Null where that follows from what it names. */
  readonly location: string | null;
  /** The service account that asks; null for the installation's own. */
  readonly account: string | null;
}

/** What came of it: the rows of its last SELECT, and the numbers for the job's statistics. */
export interface ScriptResult {
  readonly statementType: string;
  readonly columns: readonly OutputColumn[];
  readonly rows: DuckDBMaterializedResult | null;
  readonly dmlRows: number | null;
  readonly bytes: number;
  readonly tables: readonly string[];
  /** The target of DDL or DML. */
  readonly target: { readonly dataset: string; readonly table: string } | null;
}

interface Step {
  readonly plan: Plan;
  readonly tables: ReadonlySet<string>;
}

function translate(input: ScriptInput, statement: StatementText, positionalUsed: { count: number }): Step {
  const used = { positional: positionalUsed.count, tables: new Set<string>(), aliases: 0 };
  const plan = planStatement(statement, makeEnv(input, used));
  positionalUsed.count = used.positional;
  return { plan, tables: used.tables };
}

/** Bytes that reading these tables whole comes to: what BigQuery would bill. */
export async function estimate(catalog: Catalog, tables: Iterable<string>): Promise<number> {
  let bytes = 0;
  for (const path of tables) {
    const [dataset = '', table = ''] = path.split('.').slice(-2);
    const record = catalog.find(dataset, table);
    if (record !== null) bytes += rowWidth(record.fields) * (await catalog.rowCount(record));
  }
  return bytes;
}

/** Understands the script without running it. Statements after a CREATE may name tables that are not there yet and then fail. */
export async function dryRun(input: ScriptInput): Promise<ScriptResult> {
  const statements = splitScript(input.query);
  const counter = { count: 0 };
  const steps = statements.map((statement) => translate(input, statement, counter));
  const tables = [...new Set(steps.flatMap((step) => [...step.tables]))];
  const plan = steps.at(-1)?.plan;
  return {
    statementType: steps.length > 1 ? 'SCRIPT' : (plan?.statementType ?? 'SELECT'),
    columns: plan?.type === 'select' ? plan.columns : [],
    rows: null,
    dmlRows: null,
    bytes: await estimate(input.catalog, tables),
    tables,
    target: null,
  };
}

/** Runs the script. A failure rolls back the transaction it happened in; what was done outside of one stays, as in BigQuery. */
export async function runScript(connection: DuckDBConnection, input: ScriptInput): Promise<ScriptResult> {
  const statements = splitScript(input.query);
  const counter = { count: 0 };
  const tables = new Set<string>();
  let result: Pick<ScriptResult, 'statementType' | 'columns' | 'rows' | 'dmlRows' | 'target'> = {
    statementType: 'SCRIPT',
    columns: [],
    rows: null,
    dmlRows: null,
    target: null,
  };
  let inTransaction = false;
  /** Tables that the open transaction has written: they have changed when it is committed. */
  const written: Done['target'][] = [];
  const isScript = statements.length > 1;
  try {
    for (const statement of statements) {
      const step = translate(input, statement, counter);
      for (const table of step.tables) tables.add(table);
      if (!inTransaction)
        await input.catalog.history.keep(connection, (record) => input.catalog.info(record));
      const { plan } = step;
      if (plan.type === 'transaction') {
        if ((plan.verb === 'BEGIN') === inTransaction)
          throw new SqlError(
            inTransaction ? 'Transaction is already active' : 'No transaction is active',
            positionOf(statement),
          );
        await connection.run(plan.verb === 'BEGIN' ? 'BEGIN TRANSACTION' : plan.verb);
        inTransaction = plan.verb === 'BEGIN';
        if (plan.verb === 'COMMIT') for (const target of written) changed(input.catalog, target);
        written.length = 0;
        continue;
      }
      if (
        inTransaction &&
        (plan.type === 'create' || plan.type === 'alter' || plan.type === 'drop' || plan.type === 'export')
      )
        throw new SqlError(
          `${plan.statementType} is not supported inside a transaction`,
          positionOf(statement),
        );
      const done = await runPlan(connection, input, plan, inTransaction);
      if (plan.type === 'dml') {
        if (inTransaction) written.push(done.target);
        else changed(input.catalog, done.target);
      }
      result = {
        ...done,
        statementType: isScript ? 'SCRIPT' : plan.statementType,
        ...(done.rows === null && isScript ? { columns: result.columns, rows: result.rows } : {}),
      };
    }
    if (inTransaction) throw new SqlError('The transaction was not committed before the script ended', null);
  } catch (error) {
    if (inTransaction) await connection.run('ROLLBACK').catch(() => undefined);
    if (error instanceof SqlError && isScript)
      throw new SqlError(`Query error: ${error.message}`, null, error.reason);
    throw error;
  }
  return { ...result, bytes: await estimate(input.catalog, tables), tables: [...tables] };
}

/** The table has other rows from now on. Only in memory: two transactions may write one table, and must not meet at its record. */
function changed(catalog: Catalog, target: Done['target']): void {
  const record = target === null ? null : catalog.find(target.dataset, target.table);
  if (record !== null) catalog.remember({ ...record, lastModifiedTime: String(catalog.clock().getTime()) });
}

type Done = Pick<ScriptResult, 'columns' | 'rows' | 'dmlRows' | 'target'>;
const nothing: Done = { columns: [], rows: null, dmlRows: null, target: null };

async function runPlan(
  connection: DuckDBConnection,
  input: ScriptInput,
  plan: Exclude<Plan, { type: 'transaction' }>,
  inTransaction: boolean,
): Promise<Done> {
  const { catalog } = input;
  switch (plan.type) {
    case 'select':
      return { ...nothing, columns: plan.columns, rows: await connection.run(plan.plain) };
    case 'assert': {
      if ((await scalar(connection, plan.sql)) !== true)
        throw new SqlError(`Assertion failed: ${plan.message}`, plan.at);
      return nothing;
    }
    case 'dml': {
      const run = async (): Promise<number> => {
        if (plan.check !== undefined && (await scalar(connection, plan.check)) !== null)
          throw new SqlError(twiceMessage(plan.statementType));
        return (await connection.run(plan.sql)).rowsChanged;
      };
      const dmlRows = inTransaction ? await run() : await retryConflicts(() => transaction(connection, run));
      return { ...nothing, dmlRows, target: plan.target };
    }
    case 'create':
      return create(connection, input, plan);
    case 'alter': {
      const record = catalog.need(plan.target.dataset, plan.target.table);
      const has = (name: string) => record.fields.some((f) => f.name.toLowerCase() === name.toLowerCase());
      const clash = plan.add.find((a) => !a.ifNotExists && has(a.field.name));
      if (clash !== undefined) throw new SqlError(`Column already exists: ${clash.field.name}`);
      const fresh = plan.add.filter((a) => !has(a.field.name)).map((a) => a.field);
      const settings = plan.settings === null ? {} : await settingsOf(connection, plan.settings);
      const changed = await transaction(connection, async () => {
        const added = await catalog.addColumns(connection, record, fresh);
        const widened = await catalog.retypeColumns(connection, added, plan.retype);
        const { expirationTime, ...rest } = settings;
        const next: TableRecord = {
          ...widened,
          settings: { ...widened.settings, ...rest },
          ...(typeof expirationTime === 'string' ? { expirationTime } : {}),
        };
        await catalog.writeTable(connection, next);
        return next;
      });
      catalog.remember(changed);
      return { ...nothing, target: plan.target };
    }
    case 'drop': {
      const { dataset, table } = catalog.split(plan.path, input.defaultDataset, plan.at);
      if (catalog.find(dataset, table) === null) {
        if (plan.ifExists) return nothing;
        throw new SqlError(`Not found: Table ${catalog.projectId}:${dataset}.${table}`, plan.at, 'notFound');
      }
      await catalog.dropTable(dataset, table);
      return { ...nothing, target: { dataset, table } };
    }
    case 'export':
      await exportRows(connection, input.storageDir, plan, catalog.clock());
      return nothing;
  }
}

async function settingsOf(
  connection: DuckDBConnection,
  settings: TableSettings,
): Promise<Record<string, unknown>> {
  const { expirationSql, ...rest } = settings;
  const expiration = expirationSql === undefined ? null : await scalar(connection, `SELECT ${expirationSql}`);
  return { ...rest, ...(expiration === null ? {} : { expirationTime: String(Number(expiration)) }) };
}

async function create(
  connection: DuckDBConnection,
  input: ScriptInput,
  plan: Extract<Plan, { type: 'create' }>,
): Promise<Done> {
  const { catalog } = input;
  const { dataset, table } = catalog.split(plan.path, input.defaultDataset, plan.at);
  if (catalog.find(dataset, table) !== null && !plan.replace) {
    if (plan.ifNotExists) return { ...nothing, target: { dataset, table } };
    throw new SqlError(
      `Already Exists: Table ${catalog.projectId}:${dataset}.${table}`,
      plan.at,
      'duplicate',
    );
  }
  const now = String(catalog.clock().getTime());
  const { expirationTime, ...settings } = await settingsOf(connection, plan.settings);
  const record: TableRecord = {
    dataset,
    table,
    fields: plan.fields,
    creationTime: now,
    lastModifiedTime: now,
    ...(typeof expirationTime === 'string' ? { expirationTime } : {}),
    settings,
  };
  await retryConflicts(() => transaction(connection, () => catalog.putTable(connection, record, plan.rows)));
  catalog.remember(record);
  return { ...nothing, target: { dataset, table } };
}

/** BigQuery queues and repeats single statements that collide; here they are tried again at once, up to twenty times. */
export async function retryConflicts<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1)
    try {
      return await work();
    } catch (error) {
      const message =
        typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : '';
      if (!isConflict(message) || attempt === 20) throw error;
      await new Promise((resolve) => setTimeout(resolve, 5 * attempt));
    }
}

/** Where rows go that a job writes to a table. */
export interface Destination {
  readonly dataset: string;
  readonly table: string;
  readonly writeDisposition: 'WRITE_TRUNCATE' | 'WRITE_APPEND' | 'WRITE_EMPTY';
  readonly createDisposition: 'CREATE_IF_NEEDED' | 'CREATE_NEVER';
}

/**
 * Writes rows to a destination table, atomically. `rows` is DuckDB text whose columns are `fields`, in their order and types.
 * Returns the table as it is then.
 */
export async function writeRows(
  connection: DuckDBConnection,
  catalog: Catalog,
  to: Destination,
  fields: TableRecord['fields'],
  rows: string,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<{ record: TableRecord; rows: number }> {
  const existing = catalog.find(to.dataset, to.table);
  const name = `${catalog.projectId}:${to.dataset}.${to.table}`;
  if (existing === null && to.createDisposition === 'CREATE_NEVER')
    throw new RestError('notFound', `Not found: Table ${name}`);
  const now = String(catalog.clock().getTime());
  const work = async () => {
    if (
      existing !== null &&
      to.writeDisposition === 'WRITE_EMPTY' &&
      (await scalar(connection, `SELECT 1 FROM ${tableSql(catalog.info(existing))} LIMIT 1`)) !== null
    )
      throw new RestError('duplicate', `Already Exists: Table ${name}`);
    if (existing !== null && to.writeDisposition === 'WRITE_APPEND') {
      const columns = fields.map((f) => `"${f.name.replaceAll('"', '""')}"`).join(', ');
      const inserted = await connection.run(
        `INSERT INTO ${tableSql(catalog.info(existing))} (${columns}) ${rows}`,
      );
      return { record: { ...existing, lastModifiedTime: now }, rows: inserted.rowsChanged };
    }
    const record: TableRecord = {
      ...(existing ?? { dataset: to.dataset, table: to.table, creationTime: now }),
      settings: { ...existing?.settings, ...settings },
      fields,
      lastModifiedTime: now,
    };
    await catalog.putTable(connection, record, rows);
    return {
      record,
      rows: Number(await scalar(connection, `SELECT count(*) FROM ${tableSql(catalog.info(record))}`)),
    };
  };
  const done = await retryConflicts(() => transaction(connection, work));
  catalog.remember(done.record);
  return done;
}
