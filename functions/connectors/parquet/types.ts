/**
 * How Parquet's types become the warehouse's: pure decisions over the schema. The older converted types say less than the
 * logical ones; where a file has both, the logical one counts.
 */
import type { SchemaElement } from 'hyparquet';
import type { Column, ColumnType } from '#core/column';
import { isFlat, type SchemaNode } from './schema.ts';

/** One form for each of the kinds. */
type Plain<K extends string> = K extends K ? { readonly kind: K } : never;

/** How the values of a leaf are read. */
export type ValueForm =
  | Plain<'bool' | 'int' | 'uint32' | 'long' | 'uint64' | 'float' | 'float16' | 'date'>
  | Plain<'int96' | 'text' | 'bytes' | 'uuid' | 'interval'>
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | (Plain<'timestamp' | 'time'> & { readonly unit: TimeUnit; readonly utc: boolean });

/** The unit of moments and times of day. */
export type TimeUnit = 'MILLIS' | 'MICROS' | 'NANOS';

/** A column and the node of the schema it is read from. `form` is null for nested columns, which become JSON. */
export interface ColumnPlan {
  readonly column: Column;
  readonly node: SchemaNode;
  readonly form: ValueForm | null;
  /** What people should know of it. */
  readonly note: string | null;
}

/** The columns of `nodes` that can be loaded, and notes about the others. */
export function planColumns(nodes: readonly SchemaNode[]): {
  readonly plans: readonly ColumnPlan[];
  readonly notes: readonly string[];
} {
  const plans: ColumnPlan[] = [];
  const notes: string[] = [];
  const names = new Set<string>();
  for (const node of nodes) {
    const name = uniqueName(node.element.name, names);
    const planned = name === null ? 'it has no usable name' : planColumn(name, node);
    if (typeof planned === 'string')
      notes.push(`Column "${node.element.name.slice(0, 100)}" is left out: ${planned}.`);
    else {
      names.add(planned.column.name);
      plans.push(planned);
      if (planned.note !== null) notes.push(planned.note);
    }
  }
  return { plans, notes };
}

/** Of columns with one name, those after the first get a number. Null for names that no column has. */
function uniqueName(given: string, taken: ReadonlySet<string>): string | null {
  if (given === '' || given.length > 290 || !given.isWellFormed() || given.includes('\ufffd')) return null;
  let name = given;
  for (let copy = 2; taken.has(name); copy++) name = `${given}_${copy}`;
  return name;
}

/** The plan, or why there is none. */
function planColumn(name: string, node: SchemaNode): ColumnPlan | string {
  const nullable = node.element.repetition_type !== 'REQUIRED';
  const about = { name, nullable, sourceType: describeType(node).slice(0, 300) };
  if (!isFlat(node)) {
    const why = unreadable(node);
    return why ?? { column: { ...about, type: 'JSON' }, node, form: null, note: null };
  }
  const form = formOf(node.element);
  if (typeof form === 'string') return form;
  return { column: { ...about, ...typeOf(node.element, form) }, node, form, note: noteOf(name, form) };
}

/** Why a nested column cannot be read: what any of its leaves is. */
function unreadable({ element, children }: SchemaNode): string | null {
  if (element.logical_type?.type === 'VARIANT') return 'variants are not read';
  if (element.type !== undefined) {
    const form = formOf(element);
    return typeof form === 'string' ? form : null;
  }
  if (children.length === 0) return 'it is a group without fields';
  for (const child of children) {
    const why = unreadable(child);
    if (why !== null) return why;
  }
  return null;
}

function noteOf(name: string, { kind }: ValueForm): string | null {
  return kind === 'int96' ? `Column "${name}" holds INT96 timestamps, which are read as UTC.` : null;
}

function typeOf(element: SchemaElement, form: ValueForm): Pick<Column, 'type' | 'precision' | 'scale'> {
  switch (form.kind) {
    case 'decimal': {
      const { precision, scale } = form;
      if (scale <= 9 && precision - scale <= 29) return { type: 'NUMERIC', precision, scale };
      if (scale <= 38 && precision - scale <= 38) return { type: 'BIGNUMERIC', precision, scale };
      // Wider than any decimal of the warehouse: all its digits, as text.
      return { type: 'STRING' };
    }
    case 'uint64':
      return { type: 'NUMERIC', precision: 20, scale: 0 };
    case 'timestamp':
      return { type: form.utc ? 'TIMESTAMP' : 'DATETIME' };
    case 'text':
      return { type: isJson(element) ? 'JSON' : 'STRING' };
    default:
      return { type: simple[form.kind] };
  }
}

const simple: Readonly<
  Record<Exclude<ValueForm['kind'], 'decimal' | 'uint64' | 'timestamp' | 'text'>, ColumnType>
> = {
  bool: 'BOOL',
  int: 'INT64',
  uint32: 'INT64',
  long: 'INT64',
  float: 'FLOAT64',
  float16: 'FLOAT64',
  date: 'DATE',
  int96: 'TIMESTAMP',
  time: 'TIME',
  bytes: 'BYTES',
  uuid: 'STRING',
  interval: 'STRING',
};

function isJson({ logical_type, converted_type }: SchemaElement): boolean {
  return logical_type?.type === 'JSON' || converted_type === 'JSON';
}

/** How the values of a leaf are read, or why they cannot be. */
export function formOf(element: SchemaElement): ValueForm | string {
  const logical = logicalOf(element);
  const misplaced = `${logical?.type ?? 'it'} does not go with ${element.type ?? 'a group'}`;
  if (logical?.type === 'NULL') return 'it has no type, all its values are null';
  if (logical?.type === 'DECIMAL') return decimalOf(element, logical);
  switch (element.type) {
    case 'BOOLEAN':
      return { kind: 'bool' };
    case 'FLOAT':
    case 'DOUBLE':
      return { kind: 'float' };
    case 'INT96':
      return { kind: 'int96' };
    case 'INT32':
      if (logical?.type === 'DATE') return { kind: 'date' };
      if (logical?.type === 'TIME')
        return logical.unit === 'MILLIS'
          ? { kind: 'time', unit: logical.unit, utc: logical.isAdjustedToUTC }
          : misplaced;
      if (logical?.type === 'INTEGER') return { kind: logical.isSigned ? 'int' : 'uint32' };
      return logical === undefined ? { kind: 'int' } : misplaced;
    case 'INT64':
      if (logical?.type === 'TIMESTAMP' || logical?.type === 'TIME')
        return {
          kind: logical.type === 'TIME' ? 'time' : 'timestamp',
          unit: logical.unit,
          utc: logical.isAdjustedToUTC,
        };
      if (logical?.type === 'INTEGER') return { kind: logical.isSigned ? 'long' : 'uint64' };
      return logical === undefined ? { kind: 'long' } : misplaced;
    case 'BYTE_ARRAY':
      if (logical === undefined || binary.has(logical.type)) return { kind: 'bytes' };
      return texts.has(logical.type) ? { kind: 'text' } : misplaced;
    case 'FIXED_LEN_BYTE_ARRAY':
      if ((element.type_length ?? 0) < 1) return 'its values have no length';
      if (logical === undefined) return { kind: 'bytes' };
      return fixed[logical.type]?.(element.type_length ?? 0) ?? misplaced;
    default:
      return 'its type is not known';
  }
}

const texts: ReadonlySet<string> = new Set(['STRING', 'ENUM', 'JSON']);
const binary: ReadonlySet<string> = new Set(['BSON', 'GEOMETRY', 'GEOGRAPHY']);
const fixed: Readonly<Record<string, (length: number) => ValueForm | null>> = {
  UUID: (length) => (length === 16 ? { kind: 'uuid' } : null),
  FLOAT16: (length) => (length === 2 ? { kind: 'float16' } : null),
  INTERVAL: (length) => (length === 12 ? { kind: 'interval' } : null),
};

type Logical = NonNullable<SchemaElement['logical_type']>;

/** The most digits that `bytes` of two's complement hold. */
function digitsOf(bytes: number): number {
  return Math.floor(Math.log10(2) * (8 * bytes - 1));
}

function decimalOf(
  { type, type_length = 0 }: SchemaElement,
  { precision, scale }: Extract<Logical, { type: 'DECIMAL' }>,
): ValueForm | string {
  const bytes =
    type === 'INT32' ? 4 : type === 'INT64' ? 8 : type === 'FIXED_LEN_BYTE_ARRAY' ? type_length : 0;
  if (bytes === 0 && type !== 'BYTE_ARRAY') return `DECIMAL does not go with ${type ?? 'a group'}`;
  const room = bytes === 0 ? 1000 : digitsOf(bytes);
  // Some writers announce more digits than the bytes hold; the values fit all the same.
  const digits = Math.min(precision, Math.max(room, 1));
  const shaped = Number.isInteger(digits) && digits >= 1 && digits <= 1000 && scale >= 0 && scale <= digits;
  return shaped
    ? { kind: 'decimal', precision: digits, scale }
    : `DECIMAL(${precision},${scale}) is no shape`;
}

/** The logical type, or what the converted type stands for. */
function logicalOf({ logical_type, converted_type, precision, scale }: SchemaElement): Logical | undefined {
  // A union of the future comes without a type.
  if (logical_type?.type !== undefined) {
    return logical_type.type === 'DECIMAL'
      ? { ...logical_type, scale: logical_type.scale ?? 0 }
      : logical_type;
  }
  switch (converted_type) {
    case undefined:
      return undefined;
    case 'UTF8':
      return { type: 'STRING' };
    case 'DECIMAL':
      return { type: 'DECIMAL', precision: precision ?? 0, scale: scale ?? 0 };
    case 'DATE':
    case 'ENUM':
    case 'JSON':
    case 'BSON':
    case 'INTERVAL':
    case 'LIST':
    case 'MAP':
      return { type: converted_type };
    case 'TIME_MILLIS':
    case 'TIME_MICROS':
      return { type: 'TIME', isAdjustedToUTC: true, unit: unitOf(converted_type) };
    case 'TIMESTAMP_MILLIS':
    case 'TIMESTAMP_MICROS':
      return { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: unitOf(converted_type) };
    case 'MAP_KEY_VALUE':
      return { type: 'MAP' };
    default:
      return {
        type: 'INTEGER',
        bitWidth: Number(converted_type.slice(converted_type.indexOf('_') + 1)),
        isSigned: converted_type.startsWith('INT_'),
      };
  }
}

function unitOf(converted: string): TimeUnit {
  return converted.endsWith('MILLIS') ? 'MILLIS' : 'MICROS';
}

/** What a person who wrote the file would call the type: `DECIMAL(9,2) on INT32`, `LIST<STRING>`. */
export function describeType({ element, children }: SchemaNode): string {
  const repeated = element.repetition_type === 'REPEATED' ? 'repeated ' : '';
  const logical = logicalOf(element);
  if (element.type === undefined) {
    const inner = children.map((child) => `${child.element.name} ${describeType(child)}`).join(', ');
    return `${repeated}${logical?.type ?? 'struct'}<${inner}>`;
  }
  if (logical === undefined) return `${repeated}${element.type}`;
  return `${repeated}${describeLogical(logical)} on ${element.type}`;
}

function describeLogical(logical: Logical): string {
  switch (logical.type) {
    case 'DECIMAL':
      return `DECIMAL(${logical.precision},${logical.scale})`;
    case 'TIME':
    case 'TIMESTAMP':
      return `${logical.type}(${logical.unit}, ${logical.isAdjustedToUTC ? 'UTC' : 'local'})`;
    case 'INTEGER':
      return `${logical.isSigned ? 'INT' : 'UINT'}_${logical.bitWidth}`;
    default:
      return logical.type;
  }
}
