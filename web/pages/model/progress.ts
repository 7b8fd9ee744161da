import { z } from 'zod';

/** `…/etlRuns/{r}/progress/{task}`: what one task has read so far, by table. */
export const TaskProgress = z.object({
  tables: z.record(z.string(), z.object({ rows: z.number(), bytes: z.number() })),
});

/** Rows and bytes read so far, by table. */
export type SoFar = ReadonlyMap<string, { readonly rows: number; readonly bytes: number }>;

/** What all tasks together have read of each table. */
export function readSoFar(tasks: readonly z.infer<typeof TaskProgress>[]): SoFar {
  const sofar = new Map<string, { rows: number; bytes: number }>();
  for (const { tables } of tasks)
    for (const [table, { rows, bytes }] of Object.entries(tables)) {
      const before = sofar.get(table) ?? { rows: 0, bytes: 0 };
      sofar.set(table, { rows: before.rows + rows, bytes: before.bytes + bytes });
    }
  return sofar;
}

/** Of all tables together. */
export function sum(sofar: SoFar, what: 'rows' | 'bytes'): number {
  return [...sofar.values()].reduce((total, each) => total + each[what], 0);
}
