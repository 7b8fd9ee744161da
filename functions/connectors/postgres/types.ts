/**
 * How PostgreSQL's types become the warehouse's: pure decisions over catalogue facts.
 *
 * Scalars with a simple binary form are decoded from it; everything else is cast to text (or JSON) in the SELECT, where
 * the server knows best how to write it.
 */
import type { Column, ColumnType } from '#core/column';
import { decimalType } from '../decimal-type.ts';
import { escapeIdentifier } from './names.ts';

/** A column as the catalogue has it; domains are resolved to their base type. */
export interface CatalogColumn {
  readonly name: string;
  /** `pg_type.typname` of the base type: `int4`, `numeric`, `_text`. */
  readonly typeName: string;
  /** `pg_type.typtype` of the base type: b, c, e, r, m. */
  readonly typeKind: string;
  /** `pg_type.typcategory` of the base type; A is an array. */
  readonly category: string;
  readonly typeModifier: number;
  /** `format_type`: what people call it. */
  readonly shownType: string;
  readonly notNull: boolean;
}

/** How the bytes of a field are read. */
export type BinaryForm =
  | 'int2'
  | 'int4'
  | 'int8'
  | 'bool'
  | 'float4'
  | 'float8'
  | 'numeric'
  | 'text'
  | 'jsonb'
  | 'bytes'
  | 'date'
  | 'timestamp'
  | 'time';

/** A column, the expression that selects it, and the form its values then have. */
export interface ColumnPlan {
  readonly column: Column;
  readonly expression: string;
  readonly form: BinaryForm;
}

interface Mapping {
  readonly type: ColumnType;
  readonly form: BinaryForm;
  /** Cast in the SELECT; `%` stands for the quoted column. */
  readonly cast?: string;
}

const direct: Readonly<Record<string, Mapping>> = {
  int2: { type: 'INT64', form: 'int2' },
  int4: { type: 'INT64', form: 'int4' },
  int8: { type: 'INT64', form: 'int8' },
  oid: { type: 'INT64', form: 'int8', cast: '%::pg_catalog.int8' },
  bool: { type: 'BOOL', form: 'bool' },
  float4: { type: 'FLOAT64', form: 'float4' },
  float8: { type: 'FLOAT64', form: 'float8' },
  // The number of decimals of money depends on the server's locale; numeric carries it.
  money: { type: 'NUMERIC', form: 'numeric', cast: '%::pg_catalog.numeric' },
  text: { type: 'STRING', form: 'text' },
  varchar: { type: 'STRING', form: 'text' },
  bpchar: { type: 'STRING', form: 'text' },
  name: { type: 'STRING', form: 'text' },
  json: { type: 'JSON', form: 'text' },
  jsonb: { type: 'JSON', form: 'jsonb' },
  bytea: { type: 'BYTES', form: 'bytes' },
  date: { type: 'DATE', form: 'date' },
  timestamp: { type: 'DATETIME', form: 'timestamp' },
  timestamptz: { type: 'TIMESTAMP', form: 'timestamp' },
  time: { type: 'TIME', form: 'time' },
};
const asText: Mapping = { type: 'STRING', form: 'text', cast: '%::pg_catalog.text' };
const asJson: Mapping = { type: 'JSON', form: 'text', cast: 'pg_catalog.to_json(%)::pg_catalog.text' };

/** The plan for one column. */
export function planColumn(found: CatalogColumn): ColumnPlan {
  const mapping = mappingOf(found);
  const quoted = escapeIdentifier(found.name);
  return {
    column: {
      name: found.name,
      type: mapping.type,
      nullable: !found.notNull,
      ...mapping.shape,
      sourceType: found.shownType.slice(0, 300),
    },
    expression: mapping.cast === undefined ? quoted : mapping.cast.replace('%', () => quoted),
    form: mapping.form,
  };
}

interface Shaped extends Mapping {
  readonly shape?: { readonly precision: number; readonly scale: number };
}

function mappingOf(found: CatalogColumn): Shaped {
  if (found.category === 'A' || found.typeKind === 'c') return asJson;
  if (found.typeKind === 'e') return { type: 'STRING', form: 'text' };
  if (found.typeName === 'numeric') return numericMapping(found.typeModifier);
  return direct[found.typeName] ?? asText;
}

/** Without a declared shape BIGNUMERIC takes what fits, and the rest is rejected value by value. */
function numericMapping(modifier: number): Shaped {
  if (modifier < 4) return { type: 'BIGNUMERIC', form: 'numeric' };
  const packed = modifier - 4;
  const precision = (packed >> 16) & 0xffff;
  // Eleven bits, signed since PostgreSQL 15: numeric(5,-2) counts hundreds.
  const scale = ((packed & 0x7ff) ^ 1024) - 1024;
  return { ...decimalType(Math.max(precision - scale, 0), Math.max(scale, 0)), form: 'numeric' };
}
