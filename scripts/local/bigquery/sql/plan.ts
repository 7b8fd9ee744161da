/** What a statement asks for. */
import type { OutputColumn, TableInfo } from './scope.ts';
import type { Position } from './sql-error.ts';
import type { Field } from './types.ts';

/** The settings a statement may give a table. */
export interface TableSettings {
  readonly description?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Milliseconds since 1970, as text; or DuckDB text to compute it (`expirationSql`). */
  readonly expirationSql?: string;
  readonly timePartitioning?: Readonly<Record<string, unknown>>;
  readonly clustering?: { readonly fields: readonly string[] };
}

export interface DmlPlan {
  readonly type: 'dml';
  readonly statementType: 'INSERT' | 'UPDATE' | 'DELETE' | 'MERGE' | 'TRUNCATE_TABLE';
  readonly sql: string;
  readonly target: TableInfo;
  /** A query that answers a row where the statement would touch a row twice: then it must fail. */
  readonly check?: string;
}

export type Plan =
  | {
      readonly type: 'select';
      readonly statementType: 'SELECT';
      readonly sql: string;
      /** The same, with its ORDER BY outermost. */
      readonly plain: string;
      readonly columns: readonly OutputColumn[];
    }
  | DmlPlan
  | {
      readonly type: 'create';
      readonly statementType: 'CREATE_TABLE' | 'CREATE_TABLE_AS_SELECT';
      readonly path: string;
      readonly replace: boolean;
      readonly ifNotExists: boolean;
      readonly fields: readonly Field[];
      /** DuckDB text of the rows, in the order of `fields`; null for an empty table. */
      readonly rows: string | null;
      readonly settings: TableSettings;
      readonly at: Position;
    }
  | {
      readonly type: 'alter';
      readonly statementType: 'ALTER_TABLE';
      readonly target: TableInfo;
      readonly add: readonly { readonly field: Field; readonly ifNotExists: boolean }[];
      /** Columns that get another type, and DuckDB text for their values in it. */
      readonly retype: readonly { readonly field: Field; readonly sql: string }[];
      readonly settings: TableSettings | null;
    }
  | {
      readonly type: 'drop';
      readonly statementType: 'DROP_TABLE';
      readonly path: string;
      readonly ifExists: boolean;
      readonly at: Position;
    }
  | {
      readonly type: 'assert';
      readonly statementType: 'ASSERT';
      readonly sql: string;
      readonly message: string;
      readonly at: Position;
    }
  | {
      readonly type: 'transaction';
      readonly statementType: string;
      readonly verb: 'BEGIN' | 'COMMIT' | 'ROLLBACK';
    }
  | {
      readonly type: 'export';
      readonly statementType: 'EXPORT_DATA';
      readonly uri: string;
      readonly overwrite: boolean;
      readonly sql: string;
      readonly columns: readonly OutputColumn[];
    };
