/** What a function of the allow-list is: how many arguments it takes and what it becomes in DuckDB. */
import { coerceTo } from './cast.ts';
import type { Expr } from './scope.ts';
import { SqlError } from './sql-error.ts';
import type { Position } from './sql-error.ts';
import { typeText } from './types.ts';
import type { ScalarName, SqlType } from './types.ts';

/** What a call carries beside its arguments. `part` is a date part (`DAY`, `WEEK(MONDAY)`), '' where none was given. */
export interface CallInfo {
  readonly at: Position;
  readonly part: string;
  readonly name: string;
}

/** One function: how many arguments it takes and what it becomes. */
export interface FunctionRule {
  readonly min: number;
  readonly max: number;
  /** Its argument number `partAt` is a date part and no expression. */
  readonly takesPart?: boolean;
  readonly partAt?: number;
  readonly emit: (args: readonly Expr[], info: CallInfo) => Expr;
}

/** A scalar type by its name. */
export const of = (base: ScalarName): SqlType => ({ base });

/** The argument at `index` as `type`, or the error that BigQuery gives. */
export function argument(args: readonly Expr[], index: number, type: SqlType, info: CallInfo): string {
  const value = args[index];
  if (value === undefined)
    throw new SqlError(
      `No matching signature for function ${info.name}: argument ${index + 1} is missing`,
      info.at,
    );
  try {
    return coerceTo(value, type, info.at).sql;
  } catch {
    throw new SqlError(
      `No matching signature for function ${info.name} for argument types: ${args.map((a) => typeText(a.type)).join(', ')}`,
      info.at,
    );
  }
}

/** A function of fixed argument types: `template` has `$1`, `$2`, … for the arguments. */
export const plain = (
  types: readonly ScalarName[],
  result: ScalarName,
  template: string,
  min = types.length,
): FunctionRule => ({
  min,
  max: types.length,
  emit: (args, info) => {
    const values = args.map((_, i) => argument(args, i, of(types[i] ?? 'STRING'), info));
    return {
      sql: template.replaceAll(/\$(\d)/g, (_, digit: string) => values[Number(digit) - 1] ?? 'NULL'),
      type: of(result),
    };
  },
});
