/** The bodies the REST server takes, as zod schemas: members it would not honour are refused by name. */
import { z } from 'zod';
import type { Field } from './sql/types.ts';

export const TableReference = z.object({
  projectId: z.string().optional(),
  datasetId: z.string(),
  tableId: z.string(),
});

export const FieldSchema: z.ZodType<Field> = z.lazy(() =>
  z
    .object({
      name: z.string().min(1).max(300),
      type: z.string(),
      mode: z.enum(['NULLABLE', 'REQUIRED', 'REPEATED']).optional(),
      description: z.string().optional(),
      fields: z.array(FieldSchema).optional(),
      precision: z.coerce.string().optional(),
      scale: z.coerce.string().optional(),
      maxLength: z.coerce.string().optional(),
    })
    // Absent members are absent after parsing too, which the type says and zod's does not.
    .transform((field) => field as Field),
);

export const Disposition = z.object({
  writeDisposition: z.enum(['WRITE_TRUNCATE', 'WRITE_APPEND', 'WRITE_EMPTY']).optional(),
  createDisposition: z.enum(['CREATE_IF_NEEDED', 'CREATE_NEVER']).optional(),
});

const ParameterType: z.ZodType = z.lazy(() =>
  z.object({
    type: z.string(),
    arrayType: ParameterType.optional(),
    structTypes: z.array(z.object({ name: z.string(), type: ParameterType })).optional(),
  }),
);

export const QueryConfig = z.strictObject({
  ...Disposition.shape,
  query: z.string(),
  useLegacySql: z
    .literal(false, { error: 'legacy SQL is not supported; set useLegacySql to false' })
    .default(false),
  parameterMode: z.string().optional(),
  queryParameters: z
    .array(
      z.object({
        name: z.string().optional(),
        parameterType: ParameterType,
        parameterValue: z.record(z.string(), z.unknown()),
      }),
    )
    .optional(),
  defaultDataset: z.object({ datasetId: z.string() }).optional(),
  destinationTable: TableReference.optional(),
  maximumBytesBilled: z.coerce.string().optional(),
  useQueryCache: z.boolean().optional(),
  priority: z.string().optional(),
  allowLargeResults: z.boolean().optional(),
  flattenResults: z.boolean().optional(),
  timePartitioning: z.record(z.string(), z.unknown()).optional(),
  clustering: z.record(z.string(), z.unknown()).optional(),
});

export const CopyConfig = z.strictObject({
  ...Disposition.shape,
  sourceTable: TableReference.optional(),
  sourceTables: z.array(TableReference).optional(),
  destinationTable: TableReference,
  operationType: z.literal('COPY').optional(),
});

export const ExtractConfig = z.strictObject({
  sourceTable: TableReference,
  destinationUris: z.array(z.string()).length(1),
  destinationFormat: z.literal('PARQUET', { error: 'only PARQUET is supported by the local BigQuery' }),
  compression: z.enum(['NONE', 'SNAPPY', 'GZIP', 'ZSTD']).default('NONE'),
});
