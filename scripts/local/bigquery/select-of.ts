/** The single SELECT that a job with a destination table consists of. */
import { RestError } from './rest-error.ts';
import type { ScriptInput } from './run-script.ts';
import { makeEnv } from './script-env.ts';
import type { Plan } from './sql/plan.ts';
import { planStatement, splitScript } from './sql/statement.ts';

/** Translates the query; refuses scripts and anything that is no SELECT, as BigQuery does with a destination table. */
export function selectOf(input: ScriptInput): {
  readonly plan: Extract<Plan, { type: 'select' }>;
  /** Paths of the tables it reads. */
  readonly tables: readonly string[];
} {
  const statements = splitScript(input.query);
  const statement = statements[0];
  if (statement === undefined || statements.length > 1)
    throw new RestError('invalid', 'Cannot set destination table in jobs with a script');
  const used = { positional: 0, tables: new Set<string>(), aliases: 0 };
  const plan = planStatement(statement, makeEnv(input, used));
  if (plan.type !== 'select')
    throw new RestError('invalid', 'Cannot set destination table in jobs with DML or DDL statements');
  return { plan, tables: [...used.tables] };
}
