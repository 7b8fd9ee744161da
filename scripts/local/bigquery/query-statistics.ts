import type { ScriptResult } from './run-script.ts';
import { toField } from './sql/types.ts';

/** What BigQuery tells of a finished query job: bytes, tables read, the schema of its answer, rows changed. */
export function queryStatistics(projectId: string, result: ScriptResult): Record<string, unknown> {
  const referenced = result.tables.map((path) => {
    const [datasetId, tableId] = path.split('.').slice(-2);
    return { projectId: projectId, datasetId, tableId };
  });
  const bytes = String(result.bytes);
  return {
    totalBytesProcessed: bytes,
    query: {
      totalBytesProcessed: bytes,
      totalBytesBilled: bytes,
      cacheHit: false,
      statementType: result.statementType,
      referencedTables: referenced,
      schema: { fields: result.columns.map((c) => toField(c.name, c.type)) },
      ...(result.dmlRows === null ? {} : { numDmlAffectedRows: String(result.dmlRows) }),
      ...(result.target === null
        ? {}
        : {
            ddlTargetTable: {
              projectId: projectId,
              datasetId: result.target.dataset,
              tableId: result.target.table,
            },
          }),
    },
  };
}
