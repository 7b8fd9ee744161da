/**
 * A database in memory that understands exactly what the connector says to SQL Server, told by its text: its catalogue,
 * rows in versions so that a snapshot stays as it was, ranges, cursors. Any other statement is an error.
 */
import { COLUMNS, FIND_RELATION, KEY, LIST_RELATIONS } from '#connectors/sqlserver/catalog';
import { SESSION_SQL } from '#connectors/sqlserver/connection';
import { VERSION } from '#connectors/sqlserver/connection-test';
import { BEGIN_SNAPSHOT, ROLL_BACK, SNAPSHOT_STATE, TRANSACTION_NAME } from '#connectors/sqlserver/snapshot';
import { FACTS, OPEN_TRANSACTIONS } from '#connectors/sqlserver/watermark';
import { rowsOf, type Catalog } from './select.ts';
import type { AnswerPart, Session } from './session.ts';
import {
  failure,
  rowversionText,
  SqlFailure,
  type StoredTable,
  table,
  type TestColumn,
  type TestTable,
  type VersionedRow,
} from './tables.ts';

interface Reading {
  /** In a snapshot: the version that is read, once something was. */
  version: number | null;
  readonly number: number;
}

export class TestDatabase implements Catalog {
  readonly tables: StoredTable[] = [];
  productVersion = '16.0.4135.4';
  allowsSnapshots = true;
  readOnly = false;
  /** Whether users may see the transactions of others. */
  showsTransactions = true;
  /** Seconds since the oldest transaction of others began; null: there is none. */
  oldestTransaction: number | null = null;
  utc = '2024-06-01T12:00:00.123';
  local = '2024-06-01T12:00:00.123';
  /** The lowest rowversion that may still be written. */
  activeRowversion = 1n;
  private version = 0;
  private transactions = 0;
  private readonly readings = new WeakMap<Session, Reading>();

  add(table: TestTable, rows: Iterable<readonly unknown[]> = []): StoredTable {
    const stored: StoredTable = { ...table, id: 1000 + this.tables.length, rows: [] };
    this.tables.push(stored);
    this.change(stored, () => null, rows);
    return stored;
  }

  /** One transaction: `edit` answers what becomes of a row (itself, another, or null: it goes), `added` comes. */
  change(
    table: StoredTable,
    edit: (values: readonly unknown[]) => readonly unknown[] | null,
    added: Iterable<readonly unknown[]> = [],
  ): void {
    const version = ++this.version;
    const written: VersionedRow[] = [];
    for (const row of table.rows) {
      if (row.to !== Infinity) continue;
      const after = edit(row.values);
      if (after === row.values) continue;
      row.to = version;
      if (after !== null) written.push({ values: after, from: version, to: Infinity });
    }
    for (const values of added) written.push({ values, from: version, to: Infinity });
    table.rows = [...table.rows, ...written];
  }

  /** Rows of `table` as `session` sees them. */
  *read(table: StoredTable, session: Session): Iterable<readonly unknown[]> {
    const reading = this.readings.get(session);
    if (reading !== undefined && !this.allowsSnapshots)
      throw failure(3952, `Snapshot isolation transaction failed accessing database '${session.login?.database}'.`);
    // The moment of a snapshot is that of its first look at any row, not of its beginning.
    if (reading !== undefined) reading.version ??= this.version;
    const version = reading?.version ?? this.version;
    for (const row of table.rows) if (row.from <= version && row.to > version) yield row.values;
  } // prettier-ignore

  /** The tables that `session` may read. */
  visible(session: Session): readonly StoredTable[] {
    const user = session.login?.user ?? '';
    return this.tables.filter(({ readers }) => readers?.includes(user) ?? true);
  }

  /** Answers `sql`; errors are answers too. */
  *answer(sql: string, parameters: Readonly<Record<string, string | null>>, session: Session): Iterable<AnswerPart> {
    try {
      yield* this.parts(sql, parameters, session);
    } catch (error) {
      if (!(error instanceof SqlFailure)) throw error;
      yield { error: error.said };
    }
  } // prettier-ignore

  private *parts(
    sql: string,
    parameters: Readonly<Record<string, string | null>>,
    session: Session,
  ): Iterable<AnswerPart> {
    switch (sql) {
      case SESSION_SQL:
        return;
      case SNAPSHOT_STATE:
        yield* table([['state', 'int']], [[this.allowsSnapshots ? 1 : 0]]);
        return;
      case BEGIN_SNAPSHOT:
        this.readings.set(session, { version: null, number: ++this.transactions });
        yield { transaction: 'begun' };
        return;
      case ROLL_BACK:
        this.readings.delete(session);
        yield { transaction: 'rolledBack' };
        return;
      case TRANSACTION_NAME:
        yield* table([['name', 'varchar']], [[`51:${(this.readings.get(session) ?? { number: 0 }).number}`]]);
        return;
      case VERSION:
        yield* table([['version', 'nvarchar'], ['edition', 'int']], [[this.productVersion, 3]]);
        return;
      case LIST_RELATIONS:
        yield* relations(this.visible(session));
        return;
      case FIND_RELATION:
        yield* relations(
          this.visible(session).filter(
            ({ schema, name }) => schema === parameters['schema'] && name === parameters['name'],
          ),
        );
        return;
      case COLUMNS:
        yield* columns(this.byId(parameters['id']));
        return;
      case KEY:
        yield* table([['name', 'nvarchar']], (this.byId(parameters['id']).key ?? []).map((name) => [name]));
        return;
      case FACTS:
        yield* this.facts();
        return;
      case OPEN_TRANSACTIONS:
        if (!this.showsTransactions) throw failure(300, 'VIEW SERVER STATE permission was denied.');
        yield* table([['seconds', 'int'], ['prepared', 'bit']], [[this.oldestTransaction, false]]);
        return;
      default:
        // What the driver sends of itself when it has signed in.
        if (/^set (?:ansi|quoted|textsize|nocount|cursor)/.test(sql)) return;
        yield* rowsOf(this, sql, parameters, session);
    }
  } // prettier-ignore

  private facts(): Iterable<AnswerPart> {
    return table(
      [['utc', 'varchar'], ['local', 'varchar'], ['rowversion', 'varchar'], ['sees_others', 'bit'], ['read_only', 'bit']],
      [[this.utc, this.local, rowversionText(this.activeRowversion), this.showsTransactions, this.readOnly]],
    );
  } // prettier-ignore

  private byId(id: string | null | undefined): StoredTable {
    const found = this.tables.find((each) => String(each.id) === id);
    if (found === undefined) throw failure(208, `Invalid object id '${id}'.`);
    return found;
  }
}

function relations(tables: readonly StoredTable[]): Iterable<AnswerPart> {
  const sorted = tables.toSorted((a, b) => (`${a.schema}.${a.name}` < `${b.schema}.${b.name}` ? -1 : 1));
  return table(
    [
      ['id', 'int'], ['schema', 'nvarchar'], ['name', 'nvarchar'], ['comment', 'nvarchar'], ['rows', 'bigint'],
      ['bytes', 'bigint'], ['kind', 'varchar'], ['row_security', 'bit'], ['in_memory', 'bit'],
    ],
    sorted.map(({ id, schema, name, comment, rows, bytes, kind = 'table' }) => {
      const known = kind === 'table';
      return [id, schema, name, comment ?? null, known ? rows.length : null, known ? (bytes ?? 8192) : null, kind, false, false];
    }),
  );
} // prettier-ignore

function columns(of: StoredTable): Iterable<AnswerPart> {
  return table(
    [
      ['name', 'nvarchar'], ['type', 'nvarchar'], ['max_length', 'smallint'], ['precision', 'tinyint'],
      ['scale', 'tinyint'], ['nullable', 'bit'], ['encrypted', 'bit'], ['masked', 'bit'], ['readable', 'bit'],
    ],
    of.columns.map((one) => [
      one.name, one.type, bytesOf(one), one.precision ?? 0, one.scale ?? 0, one.nullable ?? true,
      one.encrypted ?? false, one.masked ?? false, one.hidden !== true,
    ]),
  );
} // prettier-ignore

function bytesOf({ type, length = 0 }: TestColumn): number {
  return length > 0 && /^n(var)?char$/.test(type) ? length * 2 : length;
}
