import { EtlRun, EtlTable } from '#core/etl-run';
import { paths } from '#core/paths';
import { Source } from '#core/source';
import { mustRead, readAll } from '#store/document';
import type { Store } from '#store/store';
import type { RunKey } from './run-key.ts';

/** What the last runs did to a source's tables (or one of them), newest first: at most `limit` entries of `limit` runs. */
export async function tableHistory(
  store: Store,
  { tenant, model }: Pick<RunKey, 'tenant' | 'model'>,
  wanted: { readonly source: string; readonly table?: string | undefined; readonly limit: number },
): Promise<EtlTable[]> {
  await mustRead(store, paths.source(tenant, model, wanted.source), Source, 'source');
  const runs = await readAll(store, paths.etlRuns(tenant, model), EtlRun, {
    orderBy: ['createdAt', 'desc'],
    limit: wanted.limit,
  });
  const items: EtlTable[] = [];
  for (const run of runs) {
    if (items.length >= wanted.limit) break;
    const tables = await readAll(store, paths.etlTables(tenant, model, run.id), EtlTable, {
      where: [['source', '==', wanted.source]],
    });
    items.push(...tables.filter((one) => wanted.table === undefined || one.id === wanted.table));
  }
  return items.slice(0, wanted.limit);
}
