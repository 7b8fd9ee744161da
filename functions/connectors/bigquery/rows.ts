/** Values of BigQuery's answers, which are text, into a table writer. */
import { MAX_VALUE_BYTES } from '#columnar/bytes-column';
import type { ColumnBuilder, TableWriter } from '#columnar/table-writer';
import { type Column, decimalShape, wireTypeOf } from '#core/column';
import type { Reject } from '../connector.ts';
import { expectKind } from '../expect-kind.ts';
import { KeptRows } from '../kept-rows.ts';
import { type Misfit, misfit, parseUnscaled } from '../values.ts';
import type { RowsPage } from './resources.ts';

/** Takes the text of one value; what does not fit leaves its row out. */
export type Take = (text: string) => Misfit | null;

/** How values of `column` go into `builder`. */
export function makeTake(column: Column, builder: ColumnBuilder): Take {
  const wire = wireTypeOf(column.type);
  const plan = { column, form: wire };
  switch (wire) {
    case 'INT64':
    case 'TIMESTAMP': {
      const into = expectKind(plan, builder, 'integer');
      return (text) => {
        if (!/^-?\d{1,19}$/.test(text)) return broken(text, wire);
        // Beyond that a double has no longer each whole number.
        if (text.length < 16) into.appendNumber(Number(text));
        else into.appendBigInt(BigInt(text));
        return null;
      };
    }
    case 'FLOAT64': {
      const into = expectKind(plan, builder, 'float');
      return (text) => {
        const value = Number(text);
        if (text.trim() === '' || (Number.isNaN(value) && text !== 'NaN')) return broken(text, wire);
        into.append(value);
        return null;
      };
    }
    case 'BOOL': {
      const into = expectKind(plan, builder, 'bool');
      return (text) => {
        if (text !== 'true' && text !== 'false') return broken(text, wire);
        into.append(text === 'true');
        return null;
      };
    }
    case 'DATE': {
      const into = expectKind(plan, builder, 'date');
      return (text) => {
        const time = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : NaN;
        if (Number.isNaN(time)) return broken(text, wire);
        into.append(time / 86_400_000);
        return null;
      };
    }
    case 'BYTES': {
      const into = expectKind(plan, builder, 'bytes');
      return (text) => {
        return append(into, Buffer.from(text, 'base64'));
      };
    }
    case 'STRING': {
      const into = expectKind(plan, builder, 'bytes');
      return (text) => {
        return append(into, Buffer.from(text, 'utf8'));
      };
    }
    case 'NUMERIC':
    case 'BIGNUMERIC':
      return makeDecimalTake(column, builder);
  }
}

function append(into: Extract<ColumnBuilder, { kind: 'bytes' }>, bytes: Buffer): Misfit | null {
  if (bytes.length > MAX_VALUE_BYTES)
    return misfit('value-too-big', `${bytes.length} bytes`, `is longer than ${MAX_VALUE_BYTES} bytes`);
  into.append(bytes, 0, bytes.length);
  return null;
}

function makeDecimalTake(column: Column, builder: ColumnBuilder): Take {
  const { precision, scale } = decimalShape(column);
  const limit = 10n ** BigInt(precision);
  const take = (append: (value: bigint) => void): Take => {
    return (text) => {
      const value = parseUnscaled(text, scale);
      if (value === null || value >= limit || value <= -limit)
        return misfit('numeric-overflow', text, `has no room in ${column.sourceType} of the warehouse`);
      append(value);
      return null;
    };
  };
  if (builder.kind === 'decimal') return take((value) => builder.appendBigInt(value));
  const into = expectKind({ column, form: 'decimal' }, builder, 'integer');
  return take((value) => into.appendBigInt(value));
}

function broken(text: string, type: string): Misfit {
  return misfit('value-broken', text, `is no ${type} as BigQuery writes them`);
}

/** The rows of one extraction on their way to `writer`; `takes` in the order of its columns. */
export class AnsweredRows extends KeptRows {
  /** Characters of the values so far: about the bytes that came. */
  characters = 0;
  private readonly takes: readonly Take[];

  constructor(writer: TableWriter, takes: readonly Take[], reject: (reject: Reject) => void) {
    super(writer, reject);
    this.takes = takes;
  }

  row({ f: values }: RowsPage['rows'][number]): void {
    const { takes, writer } = this;
    if (values.length !== takes.length)
      throw new RangeError(`a row of ${values.length} columns instead of ${takes.length}`);
    let problem: Misfit | null = null;
    let at = 0;
    for (; at < takes.length; at++) {
      const text = values[at]!.v;
      if (text === null) writer.builders[at]!.appendNull();
      else {
        this.characters += text.length;
        problem = takes[at]!(text);
      }
      if (problem === null) continue;
      if (!this.mends(problem, at)) break;
      problem = null;
    }
    this.endRow(problem, at);
  }
}
