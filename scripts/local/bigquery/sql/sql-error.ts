/** Where a token starts, both counted from 1 as BigQuery prints them. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A statement that is wrong, or not among the forms the local BigQuery knows. `reason` is BigQuery's word for it. */
export class SqlError extends Error {
  override readonly name = 'SqlError';
  readonly reason: string;
  constructor(message: string, at: Position | null = null, reason = 'invalidQuery') {
    super(at === null ? message : `${message} at [${at.line}:${at.column}]`);
    this.reason = reason;
  }
}

/** The refusal of what is valid GoogleSQL (perhaps) but not in the allow-list. */
export function unsupported(what: string, at: Position | null = null): SqlError {
  return new SqlError(`not supported by the local BigQuery: ${what}`, at);
}
