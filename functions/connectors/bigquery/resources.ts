/** What BigQuery's REST API answers, as far as it is read. Numbers of 64 bits come as text. */
import { z } from 'zod';

const count = z.coerce.number().nullable().default(null);

/** A column; `mode` REPEATED is an array of `type`, RECORD a struct of `fields`. */
export const SchemaField = z.object({
  name: z.string(),
  type: z.string(),
  mode: z.enum(['NULLABLE', 'REQUIRED', 'REPEATED']).catch('NULLABLE').default('NULLABLE'),
  precision: z.coerce.number().optional(),
  scale: z.coerce.number().optional(),
  collation: z.string().optional(),
  rangeElementType: z.object({ type: z.string() }).optional(),
  /** Only whether there are any: what is in a struct becomes JSON. */
  fields: z.array(z.unknown()).optional(),
});
export type SchemaField = z.infer<typeof SchemaField>;

export const Dataset = z.object({ location: z.string() });

export const TableResource = z.object({
  /** TABLE, VIEW, MATERIALIZED_VIEW, EXTERNAL, SNAPSHOT. */
  type: z.string(),
  description: z.string().nullable().default(null),
  schema: z.object({ fields: z.array(SchemaField).default([]) }).default({ fields: [] }),
  numRows: count,
  numBytes: count,
  requirePartitionFilter: z.boolean().default(false),
  timePartitioning: z
    .object({
      type: z.string().default('DAY'),
      field: z.string().optional(),
      requirePartitionFilter: z.boolean().default(false),
    })
    .optional(),
  rangePartitioning: z.object({ field: z.string() }).optional(),
  /** There while rows that were streamed in are on their way into the table; milliseconds since 1970. */
  streamingBuffer: z.object({ oldestEntryTime: z.coerce.number().optional() }).optional(),
  tableConstraints: z
    .object({ primaryKey: z.object({ columns: z.array(z.string()) }).optional() })
    .optional(),
});
export type TableResource = z.infer<typeof TableResource>;

export const TableList = z.object({
  tables: z
    .array(z.object({ tableReference: z.object({ tableId: z.string() }), type: z.string().default('TABLE') }))
    .default([]),
  nextPageToken: z.string().optional(),
});

export const Job = z.object({
  status: z.object({
    state: z.string(),
    errorResult: z.object({ reason: z.string().default(''), message: z.string().default('') }).optional(),
  }),
  statistics: z
    .object({
      totalBytesProcessed: z.coerce.number().default(0),
      /** In milliseconds since 1970; 0 while they are not known. */
      creationTime: z.coerce.number().default(0),
      endTime: z.coerce.number().default(0),
    })
    .default({ totalBytesProcessed: 0, creationTime: 0, endTime: 0 }),
});

/** A page of an answer's rows: each value as text, null where it is null. */
export const RowsPage = z.object({
  jobComplete: z.boolean(),
  totalRows: z.coerce.number().default(0),
  rows: z.array(z.object({ f: z.array(z.object({ v: z.string().nullable() })) })).default([]),
});
export type RowsPage = z.infer<typeof RowsPage>;
